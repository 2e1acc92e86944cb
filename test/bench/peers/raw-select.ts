/** A process that reads every row of the log into Buffers and ends: the floor of a start. Run only while no server has the file open. */
import { spawn } from 'node:child_process'
import path from 'node:path'

const program = `
const sqlite3 = require('sqlite3')
const rows = []
const database = new sqlite3.Database(process.argv[1], sqlite3.OPEN_READONLY)
database.each('SELECT * FROM log', (error, row) => rows.push(row), () => process.exit(rows.length > 0 ? 0 : 1))
`

/** Milliseconds from spawn to end. */
export function readAllRows(database: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const before = performance.now()
    const child = spawn(process.execPath, ['-e', program, database], { stdio: 'inherit', cwd: path.resolve(import.meta.dirname, '..') })
    child.once('exit', (code) => (code === 0 ? resolve(performance.now() - before) : reject(new Error('the log could not be read'))))
  })
}
