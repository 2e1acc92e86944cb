/** A cluster with one node, n0, that runs Tasks as processes, in containers and in microVMs. For tests alone. */
import { chmodSync } from 'node:fs'
import path from 'node:path'
import { startTestEngine, type TestEngine } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { makeMicrovmImage } from '../../nodeagent/backends/qemu/fixtures/microvm-image.js'
import { type Fleet, startFleet } from './fleet.js'
import type { Owner } from './owner.js'

export interface MixedNode {
  readonly fleet: Fleet
  readonly engine: TestEngine
}

/** `flags`: further ones of its agent. */
export async function startMixedNode(owner: Owner, flags: readonly string[] = []): Promise<MixedNode> {
  // Tasks may have users of their own, and look for files of the test.
  chmodSync(owner.directory, 0o711)
  const images = path.join(owner.directory, 'images')
  await makeMicrovmImage(images)
  const engine = await startTestEngine()
  owner.defer(() => engine.close())
  const agentFlags = [...flags, '--docker-socket', engine.socketPath, '--network', 'none', '--image-dir', images]
  const fleet = await startFleet(owner, { nodes: ['n0'], backends: ['process', 'docker', 'qemu'], agentFlags: () => agentFlags })
  return { fleet, engine }
}
