import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { ExitError, UsageError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import type { Manifest } from './decode-manifests.js'

const extensions = new Set(['.yaml', '.yml', '.json'])

/** The manifests of files, directories (their files in order of name; with `recursive` those below too) and `-`, standard input. */
export async function readManifests(sources: readonly string[], recursive: boolean, io: Io): Promise<Manifest[]> {
  if (sources.length === 0) throw new UsageError('name a file or directory with -f, or - for standard input')
  // Loaded here: reading YAML costs 30 ms of start-up, and most commands read none.
  const { decodeManifests } = await import('./decode-manifests.js')
  const manifests: Manifest[] = []
  for (const source of sources) {
    if (source === '-') manifests.push(...decodeManifests(await io.readInput(), 'standard input'))
    else
      for (const file of await filesOf(source, recursive, io.cwd))
        manifests.push(...decodeManifests(await readFile(path.resolve(io.cwd, file), 'utf8'), file))
  }
  if (manifests.length === 0) throw new ExitError('invalid', `no objects in ${sources.join(', ')}`)
  return manifests
}

/** The files that a source stands for, named as the source is. */
async function filesOf(source: string, recursive: boolean, cwd: string): Promise<string[]> {
  if (/^https?:\/\//.test(source))
    throw new UsageError(`"${source}" is not read from the network; pipe it in, as in curl -fsS ${source} | kubectl-lite apply -f -`)
  let isDirectory: boolean
  try {
    isDirectory = (await stat(path.resolve(cwd, source))).isDirectory()
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new UsageError(missing ? `the path "${source}" does not exist` : `cannot read "${source}": ${(error as Error).message}`)
  }
  if (!isDirectory) return [source]
  const entries = await readdir(path.resolve(cwd, source), { recursive, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile() && extensions.has(path.extname(entry.name)))
    .map((entry) => path.join(source, path.relative(path.resolve(cwd, source), entry.parentPath), entry.name))
  if (files.length === 0)
    throw new UsageError(`no .yaml, .yml or .json files in "${source}"${recursive ? '' : '; -R looks in its folders too'}`)
  return files.sort()
}
