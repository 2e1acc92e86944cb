import { isNotFound } from '../../lib/api/api-error.js'
import { Node } from '../../lib/api/kinds/node.js'
import { outOfServiceTaint } from '../../lib/api/taint-toleration.js'
import type { Client } from '../../lib/client/client.js'
import type { ControllerContext } from '../controller-context.js'
import { isSilent } from '../node-lifecycle/judge-node.js'

/**
 * What is known of a node that something is bound to: `well`; `silent`: its agent does not report, and may be
 * running it; `lost`: the Node object is gone, or somebody vouches with the taint out-of-service that the machine is
 * off. Of a lost node nothing runs any more, and no agent cleans up.
 */
export type NodeFate = 'well' | 'silent' | 'lost'

/** A Node object that was not there for so long, in watch time, is gone: a node that is only being registered anew is not. */
const goneAfterMs = 40_000

/** Judges nodes, each by what was seen of it since the process began. */
export class NodeFates {
  /** Watch time since which a node has no object. */
  readonly #absentSince = new Map<string, number>()

  constructor(private readonly context: Pick<ControllerContext, 'nodes' | 'watchTime'>) {}

  /** `absent`: it has no object, and that is not yet believed; ask again soon. */
  async of(name: string, client: Pick<Client, 'of'>): Promise<NodeFate | 'absent'> {
    const { nodes, watchTime } = this.context
    const node = nodes.lister.get(name)
    if (node) {
      this.#absentSince.delete(name)
      if (node.spec.taints?.some(({ key }) => key === outOfServiceTaint)) return 'lost'
      return isSilent(node) ? 'silent' : 'well'
    }
    const sinceMs = this.#absentSince.get(name) ?? watchTime.countedMs
    this.#absentSince.set(name, sinceMs)
    if (watchTime.countedMs - sinceMs < goneAfterMs) return 'absent'
    return (await isGone(name, client)) ? 'lost' : 'absent'
  }
}

/** The server is asked: what this process has not seen may be there all the same. */
async function isGone(name: string, client: Pick<Client, 'of'>): Promise<boolean> {
  try {
    await client.of(Node).get({ name })
    return false
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}
