import type { Connection } from '../drivers/sqlite/connection.js'
import { type ObjectRecord, objectRowOf } from '../drivers/sqlite/row-codec.js'
import type { Keyring } from '../keyring.js'
import { objectOfRow } from '../log-row.js'

/** What a check found. */
export interface LogCheck {
  /** Live objects. */
  readonly objects: number
  /** Rows of the log. */
  readonly rows: number
  /** Rows that were sealed, and opened. */
  readonly sealed: number
  /** One sentence for each thing that is wrong; empty: all is well. */
  readonly problems: readonly string[]
  /** Whether the view differs from what the log says it should be. */
  readonly viewDiffers: boolean
}

const maxProblems = 50
const pageRows = 500

/** The view as the log has it: the newest row of each key that is no deletion. */
const rebuilt = `SELECT resource, namespace, name, revision FROM (
  SELECT resource, namespace, name, max(revision) AS revision, op FROM log GROUP BY resource, namespace, name) WHERE op <> 2`
const view = 'SELECT resource, namespace, name, revision FROM objects'

export const rebuildView = ['DELETE FROM objects', `INSERT INTO objects (resource, namespace, name, revision) ${rebuilt}`]

/** Rows that do not fit the one before them: what compaction left of a key is an unbroken end of its life. */
const brokenChains = `SELECT revision, resource, namespace, name FROM (
    SELECT revision, op, previous_revision, create_revision, resource, namespace, name, lag(revision) OVER life AS before,
      lag(op) OVER life AS before_op, lag(create_revision) OVER life AS before_created
    FROM log WINDOW life AS (PARTITION BY resource, namespace, name ORDER BY revision))
  WHERE CASE WHEN op = 0 THEN previous_revision <> 0 OR create_revision <> revision OR coalesce(before_op, 2) <> 2
    WHEN before IS NULL THEN previous_revision > (SELECT compact_revision FROM marks) OR previous_revision >= revision
    ELSE before_op = 2 OR previous_revision <> before OR create_revision <> before_created END
  ORDER BY revision LIMIT ${maxProblems}`

/** Reads the whole log: the file, the view, the revisions, and that every row opens and says what it should. Changes nothing. */
export async function checkLog(connection: Connection, keyring: Keyring): Promise<LogCheck> {
  const problems: string[] = []
  for (const { integrity_check } of await connection.all<{ integrity_check: string }>(`PRAGMA integrity_check(${maxProblems})`))
    if (integrity_check !== 'ok') problems.push(`the file is damaged: ${integrity_check}`)

  const missing = await connection.all<Pointer>(`${rebuilt} EXCEPT ${view}`)
  const wrong = await connection.all<Pointer>(`${view} EXCEPT ${rebuilt}`)
  for (const pointer of missing) problems.push(`the view lacks ${print(pointer)}`)
  for (const pointer of wrong) problems.push(`the view has ${print(pointer)}, which the log does not have as the newest of its key`)
  for (const pointer of await connection.all<Pointer>(brokenChains)) problems.push(`the log is broken before ${print(pointer)}`)

  const counts = await checkRows(connection, keyring, problems)
  const [objects] = await connection.all<{ count: number }>('SELECT count(*) AS count FROM objects')
  const viewDiffers = missing.length + wrong.length > 0
  return { objects: objects?.count ?? 0, ...counts, viewDiffers, problems: problems.slice(0, maxProblems) }
}

interface Pointer {
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly revision: number
}

const print = ({ resource, namespace, name, revision }: Pointer) => `${resource}/${namespace}/${name} at revision ${revision}`

async function checkRows(connection: Connection, keyring: Keyring, problems: string[]): Promise<{ rows: number; sealed: number }> {
  let rows = 0
  let sealed = 0
  for (let after = 0; ; ) {
    const page = await connection.all<ObjectRecord>('SELECT * FROM log WHERE revision > $1 ORDER BY revision LIMIT $2', [after, pageRows])
    for (const record of page) {
      rows++
      if (record.sealed_by !== '') sealed++
      const problem = problemOf(record, keyring)
      if (problem && problems.length < maxProblems) problems.push(`${print(record)}: ${problem}`)
      after = record.revision
    }
    if (page.length < pageRows) return { rows, sealed }
  }
}

function problemOf(record: ObjectRecord, keyring: Keyring): string | undefined {
  try {
    const object = objectOfRow(objectRowOf(record), keyring)
    const { metadata } = JSON.parse(object.bytes.toString())
    if (metadata?.resourceVersion !== String(record.revision)) return `its bytes say resourceVersion ${metadata?.resourceVersion}`
    if (metadata.uid !== record.uid) return `its bytes say uid ${metadata.uid}`
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
