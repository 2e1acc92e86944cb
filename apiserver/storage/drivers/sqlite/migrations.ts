import type { Connection } from './connection.js'
import type { SqliteModules } from './sqlite-modules.js'

interface Migration {
  readonly name: string
  readonly statements: readonly string[]
}

/**
 * The log and the view beside it. `objects` points at the newest row of each live key and is kept by triggers, in the statement that
 * appends; it can be dropped and rebuilt from the log. The index covers what a list of the past has to find out: which row was the newest
 * of a key, and whether that was a deletion. `bytes` come last, so that walking the other columns does not read them.
 */
const migrations: readonly Migration[] = [
  {
    name: '0001-log-and-view',
    statements: [
      `CREATE TABLE log (
        revision INTEGER PRIMARY KEY, op INTEGER NOT NULL, time INTEGER NOT NULL,
        resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,
        create_revision INTEGER NOT NULL, previous_revision INTEGER NOT NULL, format INTEGER NOT NULL, sealed_by TEXT NOT NULL,
        facets TEXT NOT NULL, actor TEXT NOT NULL, request_id TEXT NOT NULL, bytes BLOB NOT NULL)`,
      'CREATE INDEX log_by_key ON log (resource, namespace, name, revision, op)',
      "CREATE INDEX log_sealed ON log (revision) WHERE sealed_by <> ''",
      `CREATE TABLE objects (
        resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID`,
      `CREATE TRIGGER log_put AFTER INSERT ON log WHEN new.op <> 2 BEGIN
        INSERT INTO objects (resource, namespace, name, revision) VALUES (new.resource, new.namespace, new.name, new.revision)
        ON CONFLICT (resource, namespace, name) DO UPDATE SET revision = excluded.revision; END`,
      `CREATE TRIGGER log_delete AFTER INSERT ON log WHEN new.op = 2 BEGIN
        DELETE FROM objects WHERE resource = new.resource AND namespace = new.namespace AND name = new.name; END`,
      `CREATE TABLE marks (
        id INTEGER PRIMARY KEY CHECK (id = 1), compact_revision INTEGER NOT NULL, compacted_to INTEGER NOT NULL, aged_to INTEGER NOT NULL,
        probes INTEGER NOT NULL)`,
      'INSERT INTO marks (id, compact_revision, compacted_to, aged_to, probes) VALUES (1, 0, 0, 0, 0)',
    ],
  },
]

/** Brings the schema up to date. Each migration is there as a whole, with the record of it, or not at all. */
export async function migrate(modules: SqliteModules, writer: Connection): Promise<void> {
  const { Umzug, SequelizeStorage } = modules.umzug
  const records = new SequelizeStorage({ sequelize: writer.sequelize, tableName: 'migrations', modelName: 'migrations' })
  const known = new Set(migrations.map(({ name }) => name))
  const foreign = (await records.executed()).find((name) => !known.has(name))
  if (foreign) throw new Error(`the database was made by a newer Millrace (it has the migration ${foreign}): upgrade this one`)
  const umzug = new Umzug({
    migrations: migrations.map((migration) => ({
      name: migration.name,
      up: () => writer.inTransaction([...migration.statements, recordOf(migration)]),
    })),
    storage: { executed: () => records.executed(), logMigration: recordedByItself, unlogMigration: recordedByItself },
    logger: undefined,
  })
  await umzug.up()
}

const recordedByItself = async () => {}
const recordOf = ({ name }: Migration) => ({ sql: 'INSERT INTO migrations (name) VALUES ($1)', bind: [name] })
