import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../cli/exit-code.js'

/**
 * What package.json of a new project says of Millrace. `given`: a tarball, a folder or a version. Without: the clone that this program was built in, or the version that it was
 * installed as.
 */
export async function millraceSource(given: string | undefined, cwd: string): Promise<string> {
  if (given === undefined) return await ownSource()
  const file = path.resolve(cwd, given)
  if (await exists(file)) return `file:${file}`
  if (/^[\^~]?\d+\.\d+\.\d+(-[\w.]+)?$/.test(given)) return given
  throw new UsageError(
    `--millrace takes a tarball of npm pack, a clone, or a version such as 1.2.3; ${given} is none, and there is no such file`,
  )
}

async function ownSource(): Promise<string> {
  // From the sources, and from dist/.
  for (const above of ['../..', '../../..']) {
    const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), above)
    const file = path.join(folder, 'package.json')
    if (!(await exists(file))) continue
    const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
    return folder.split(path.sep).includes('node_modules') ? `^${version}` : `file:${folder}`
  }
  throw new Error('the package.json of Millrace is not there; say with --millrace where npm finds it')
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch {
    return false
  }
}
