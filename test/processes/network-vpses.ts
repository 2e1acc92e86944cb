/**
 * Vpses of a cluster in a network bed: the images of their node, what becomes of them,
 * and the way in through the gateway by OpenSSH. For tests alone.
 */
import { readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'vitest'
import type { VpsStatus } from '../../lib/api/kinds/vps.js'
import { eventually } from '../../lib/testing/eventually.js'
import type { NetworkBed } from './network-bed.js'

export interface NetworkVpses {
  /** The directory of the cluster's only node. */
  readonly node: string
  /** Where that node finds disk images. */
  readonly images: string
  /** The file of a private key; the public one is in KEY.pub. */
  readonly key: string
  statusOf(name: string): Promise<VpsStatus>
  /** Resolves with the status when it is in this phase, with `also` in it. */
  inPhase(name: string, phase: string, also?: object): Promise<VpsStatus>
  /** Runs a command in a Vps, through the gateway. */
  ssh(name: string, options: readonly string[], command: string): Promise<string>
}

/** When the cluster is up. `patient`: how long a phase is waited for. */
export async function networkVpses(bed: NetworkBed, patient: { timeoutMs: number; intervalMs: number }): Promise<NetworkVpses> {
  const [name = ''] = readdirSync(path.join(bed.directory, 'nodes'))
  const node = path.join(bed.directory, 'nodes', name)
  const images = path.join(node, 'images')
  await mkdir(images, { recursive: true })
  const key = path.join(path.dirname(bed.directory), 'miller')
  await bed.inside('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'miller@home', '-f', key)
  const statusOf = async (vps: string): Promise<VpsStatus> => JSON.parse(await bed.kubectl('get', 'vps', vps, '-o', 'jsonpath={.status}'))
  return {
    node,
    images,
    key,
    statusOf,
    inPhase: (vps, phase, also = {}) =>
      eventually(async () => {
        const status = await statusOf(vps)
        expect(status, JSON.stringify(status)).toMatchObject({ phase, ...also })
        return status
      }, patient),
    ssh: async (vps, options, command) => {
      const [, ...words] = ((await statusOf(vps)).sshCommand ?? '').split(' ')
      return await bed.inside('ssh', ...options, ...words, command)
    },
  }
}

/** Options of ssh: this key alone, nobody is asked; the server is one of `knownHosts`, or anybody. */
export function sshOptions(key: string, knownHosts?: string): string[] {
  const trust = knownHosts
    ? ['StrictHostKeyChecking=yes', `UserKnownHostsFile=${knownHosts}`]
    : ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null']
  const options = ['IdentitiesOnly=yes', 'BatchMode=yes', 'LogLevel=ERROR', ...trust]
  return ['-n', '-F', 'none', '-i', key, ...options.flatMap((option) => ['-o', option])]
}
