import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ExitError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'

interface Named {
  readonly namespace: string
  readonly name: string
}

/** Where the private key of a Vps of mode generate lies on this machine. */
export const sshKeyFile = ({ home }: Pick<Io, 'home'>, { namespace, name }: Named): string =>
  path.join(home, '.ssh', `millrace-${name}.${namespace}`)

/** Writes it so that its owner alone can read it. One that is there already stays: it may be another's. */
export async function writeSshKey(file: string, privateKey: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  try {
    await writeFile(file, privateKey, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new ExitError('conflict', `${file} is there already: move it away, or name another file with --key-file`)
  }
}
