/** Installs the packages of package-lock.json when they are not there yet, showing that it goes on. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { startProgress } from './progress.mjs'
import { checkCompiler, nodeHeaders, SetupError } from './requirements.mjs'

const sqliteBinary = 'node_modules/sqlite3/build/Release/node_sqlite3.node'

/** True when every package that the lock file names is there in that version, and SQLite is compiled. */
export function isInstalled(root) {
  const installed = readLock(path.join(root, 'node_modules/.package-lock.json'))
  const wanted = readLock(path.join(root, 'package-lock.json'))
  if (!installed || !wanted || !existsSync(path.join(root, sqliteBinary))) return false
  return Object.entries(wanted.packages).every(
    ([name, entry]) =>
      name === '' ||
      (installed.packages[name]?.version ?? (entry.optional || entry.devOptional ? entry.version : undefined)) === entry.version,
  )
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

export async function installPackages(root) {
  if (isInstalled(root)) return
  checkCompiler()
  const headers = nodeHeaders()
  const fresh = !existsSync(path.join(root, 'node_modules'))
  // An existing node_modules is brought up to date in place, so that programs that run from it keep their files.
  const args = fresh ? ['ci'] : ['install', '--no-save']
  const progress = startProgress(`installing packages (npm ${args[0]})`, () =>
    existsSync(path.join(root, 'node_modules/sqlite3')) ? 'sqlite3 is being compiled, which takes 2 to 4 minutes' : 'downloading',
  )
  const env = {
    ...process.env,
    // Compile, rather than look for a ready-made binary elsewhere: nothing is downloaded but packages.
    npm_config_build_from_source: 'true',
    ...(headers ? { npm_config_nodedir: headers } : {}),
  }
  const { code, output } = await run('npm', [...args, '--no-audit', '--no-fund'], { cwd: root, env })
  if (code !== 0) {
    progress.stop('failed')
    throw new SetupError(
      `${output.trimEnd()}\n\nInstalling the packages failed (npm ${args.join(' ')} ended with code ${code}); what npm says stands above.`,
    )
  }
  if (!existsSync(path.join(root, sqliteBinary))) {
    progress.stop('failed')
    throw new SetupError(`${output.trimEnd()}\n\nsqlite3 was installed but not compiled. \`npm rebuild sqlite3\` in ${root} shows why.`)
  }
  progress.stop('done')
}

/** Runs to the end; `output` is both streams, in order of arrival. */
export function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
