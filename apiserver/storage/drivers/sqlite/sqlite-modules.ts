/** The optional packages of this driver, loaded when it is chosen. */
export interface SqliteModules {
  readonly sequelize: typeof import('sequelize')
  readonly sqlite3: typeof import('sqlite3')
  readonly umzug: typeof import('umzug')
}

/** Rejects with a sentence that says what to install. `load` is how a package is imported. */
export async function loadSqliteModules(load: (name: string) => Promise<unknown> = (name) => import(name)): Promise<SqliteModules> {
  const [sequelize, sqlite3, umzug] = await Promise.all(['sequelize', 'sqlite3', 'umzug'].map((name) => loadOne(name, load)))
  return { sequelize, sqlite3: (sqlite3 as { default?: unknown }).default ?? sqlite3, umzug } as SqliteModules
}

async function loadOne(name: string, load: (name: string) => Promise<unknown>): Promise<unknown> {
  try {
    return await load(name)
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    const compiles = name === 'sqlite3' ? ' (it compiles: make, g++ and python3 are needed)' : ''
    throw new Error(`storing in SQLite needs the package ${name}, which does not load: run "npm install ${name}"${compiles}. ${why}`)
  }
}
