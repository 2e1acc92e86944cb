import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { writeWhole } from '../../../files/write-whole.js'

/** An SSH key: the private half in OpenSSH's form, the public one as a line. */
export interface SshKeyPair {
  readonly private: string
  readonly public: string
}

/** The keys of a machine that its node made: what it shows as its own, and what the agent logs in with. */
export interface MachineKeys {
  readonly host: SshKeyPair
  readonly agent: SshKeyPair
}

/** Reads the keys of a machine's folder; makes them at the first call. Only the agent's user may read the file. */
export async function machineKeys(folder: string): Promise<MachineKeys> {
  const present = await readMachineKeys(folder)
  if (present) return present
  const { default: ssh2 } = await import('ssh2')
  // One in some hundred that the library makes it cannot read itself.
  const make = (comment: string): SshKeyPair => {
    const made = ssh2.utils.generateKeyPairSync('ed25519', { comment })
    return ssh2.utils.parseKey(made.private) instanceof Error ? make(comment) : made
  }
  const keys: MachineKeys = { host: pair(make('host')), agent: pair(make('millrace-agent')) }
  await writeWhole(keyFile(folder), JSON.stringify(keys), 0o600)
  return keys
}

/** Undefined where none were made yet. */
export async function readMachineKeys(folder: string): Promise<MachineKeys | undefined> {
  try {
    return JSON.parse(await readFile(keyFile(folder), 'utf8')) as MachineKeys
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const keyFile = (folder: string) => path.join(folder, 'keys.json')

function pair(made: { private: string; public: string }): SshKeyPair {
  return { private: made.private, public: made.public }
}
