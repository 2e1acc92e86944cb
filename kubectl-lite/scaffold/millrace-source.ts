import { existsSync } from 'node:fs'
import path from 'node:path'
import { UsageError } from '../cli/exit-code.js'

/** Where this Millrace lies: a clone, or what a tarball of it was unpacked to. */
export function millraceFolder(): string {
  // From the sources, and from dist/.
  const folder = ['../..', '../../..']
    .map((above) => path.resolve(import.meta.dirname, above))
    .find((one) => existsSync(path.join(one, 'package.json')))
  if (folder === undefined) throw new Error(`the package.json of Millrace is not above ${import.meta.dirname}`)
  return folder
}

/**
 * What package.json of a new project says of Millrace. `given`: a tarball, a folder or a version; default: this Millrace, where it lies.
 */
export function millraceSource(given: string | undefined, cwd: string): string {
  if (given === undefined) return `file:${millraceFolder()}`
  const file = path.resolve(cwd, given)
  if (existsSync(file)) return `file:${file}`
  if (/^[\^~]?\d+\.\d+\.\d+(-[\w.]+)?$/.test(given)) return given
  throw new UsageError(
    `--millrace takes a tarball of npm pack, a clone, or a version such as 1.2.3; ${given} is none, and there is no such file`,
  )
}
