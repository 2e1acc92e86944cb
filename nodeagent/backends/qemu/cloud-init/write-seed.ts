import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { putInPlace } from '../../../files/write-whole.js'
import type { MachineSpec } from '../../machine-backend.js'
import type { RunProgram } from '../run-program.js'
import type { MachineKeys } from './machine-keys.js'
import { networkConfigFile, reachableNameservers } from './network-config.js'
import { userDataFile } from './user-data.js'

/** Writes a machine's NoCloud seed, an ISO image with the label cidata, to `file`. The uid is its instance-id: a machine of its own. */
export async function writeSeed(
  file: string,
  machine: Pick<MachineSpec, 'uid' | 'name' | 'spec' | 'authorizedKeys' | 'address'>,
  keys: MachineKeys,
  mac: string,
  run: RunProgram,
  signal: AbortSignal,
): Promise<void> {
  const { userData } = machine.spec
  const nameservers = reachableNameservers(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''))
  const files = {
    'meta-data': `${JSON.stringify({ 'instance-id': machine.uid, 'local-hostname': machine.name })}\n`,
    'network-config': networkConfigFile(mac, machine.address, nameservers),
    'user-data': userDataFile(userData, { hostKey: keys.host, rootKeys: [keys.agent.public, ...machine.authorizedKeys] }),
  }
  const folder = `${file}.files`
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { mode: 0o700 })
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text, { mode: 0o600 })
    // The image holds keys: it is made where nobody else may read.
    await writeFile(`${file}.new`, '', { mode: 0o600 })
    await run('genisoimage', ['-quiet', '-volid', 'cidata', '-rational-rock', '-joliet', '-output', `${file}.new`, folder], signal)
    await putInPlace(`${file}.new`, file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
