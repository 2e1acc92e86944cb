/** Builds dist/ when the sources changed since the last build, and links the commands into dist/bin. */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { run } from './packages.mjs'
import { startProgress } from './progress.mjs'
import { SetupError } from './requirements.mjs'

const stampFile = 'dist/.stamp'

export function isBuilt(root) {
  return existsSync(path.join(root, stampFile))
}

/** The build is made beside dist/ and put in its place when it is whole: a program that runs, or another build, never meets half of one. */
export async function build(root, { always = false } = {}) {
  const stamp = sourceStamp(root)
  if (!always && readStamp(root) === stamp) return
  const progress = startProgress('building')
  // As deep as dist/, so that its source maps stay true when it is moved there.
  const draft = path.join(root, `dist-${process.pid}`)
  try {
    // Types are the business of `npm run check`; without them the build takes a second.
    const args = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck', '--outDir', draft]
    const { code, output } = await run(process.execPath, args, { cwd: root })
    if (code !== 0) {
      progress.stop('failed')
      throw new SetupError(`${output.trimEnd()}\n\nThe build failed; what the compiler says stands above.`)
    }
    for (const file of sourceFiles(root).filter(isCopied)) {
      mkdirSync(path.dirname(path.join(draft, file)), { recursive: true })
      copyFileSync(path.join(root, file), path.join(draft, file))
    }
    linkCommands(root, draft)
    writeFileSync(path.join(draft, path.basename(stampFile)), stamp)
    replaceFolder(path.join(root, 'dist'), draft)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  progress.stop('done')
}

/** Another build may do the same at this moment; then ours comes after it. */
function replaceFolder(folder, next) {
  const old = `${next}-old`
  for (let tries = 1; ; tries++) {
    try {
      renameSync(folder, old)
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    try {
      renameSync(next, folder)
      break
    } catch (error) {
      if (tries === 5 || !['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error
    } finally {
      rmSync(old, { recursive: true, force: true })
    }
  }
}

/** A hash of everything that the build reads. */
export function sourceStamp(root) {
  const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json']
  const hash = createHash('sha256')
  for (const file of [...settings, ...sourceFiles(root)]) hash.update(`${file}\0`).update(readFileSync(path.join(root, file)))
  return hash.digest('hex')
}

/** What is compiled, and what is copied as it is; sorted, from the root. */
function sourceFiles(root) {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !/^(node_modules|dist.*|docs|test)$/.test(entry.name),
  )
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder.name), { recursive: true })
      .map((file) => path.join(folder.name, file))
      .filter((file) => (file.endsWith('.ts') && !file.endsWith('.test.ts')) || isCopied(file)),
  )
  return files.sort()
}

/** Scripts, and the files of templates; what tests alone need is no part of it. */
function isCopied(file) {
  return (
    (/\.(pl|sh)$/.test(file) && !file.split(path.sep).includes('fixtures')) ||
    (path.basename(path.dirname(file)) === 'templates' && path.extname(file) !== '')
  )
}

function readStamp(root) {
  try {
    return readFileSync(path.join(root, stampFile), 'utf8')
  } catch {
    return undefined
  }
}

/** dist/bin holds one executable link per command of package.json, so that one PATH entry gives them all. */
function linkCommands(root, draft) {
  const folder = path.join(draft, 'bin')
  mkdirSync(folder, { recursive: true })
  for (const [name, file] of Object.entries(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).bin)) {
    const target = path.join(draft, path.relative('dist', file))
    if (!existsSync(target)) throw new SetupError(`package.json names the command ${name}, and the build made no ${file}.`)
    chmodSync(target, 0o755)
    symlinkSync(path.relative(folder, target), path.join(folder, name))
  }
}
