/**
 * The network of a node: one bridge that containers and virtual machines share, whose addresses come out
 * of the Node's range (spec.podCIDR), each by an IPClaim. One rule: an address is claimed before
 * anything has it, and released when nothing of its holder is left.
 *
 *     const holder = { kind: 'Vps', namespace, name, uid }
 *     const address = await network.claim(holder, vps.spec.addressClaim, signal)   // before each start
 *     const tap = address && (await network.addTap(uid, undefined, signal))        // virtual machines
 *     await network.release(holder, signal)                                        // when all else is removed
 */
import type { Condition } from '../../lib/api/condition.js'
import type { MachineAddress } from '../backends/machine-backend.js'
import { StepError } from '../steps/step-error.js'
import type { BridgePortSource } from './bridge-port.js'

/** The workload that an address is for. */
export interface AddressHolder {
  readonly kind: 'Task' | 'Vps'
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export type NetworkCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

export interface NodeNetwork {
  /** bridge: workloads get addresses of the node's range. With `--network auto` it is settled at the first need, and is none before. */
  readonly mode: 'bridge' | 'none'
  /**
   * The address of the holder, the same at every call until it is released; the bridge is there when this
   * resolves. `claimName`: the IPClaim that it takes, of its own namespace; absent: one is made for it.
   * Undefined where the node has no bridge. Rejects with a StepError.
   */
  claim(holder: AddressHolder, claimName: string | undefined, signal: AbortSignal): Promise<MachineAddress | undefined>
  /** Gives back what `claim` gave, in this life of the agent or an earlier one. Idempotent. */
  release(holder: AddressHolder, signal: AbortSignal): Promise<void>
  /** Makes sure that the bridge is there, with its address, forwarding and the rules of the way out. Idempotent. */
  ensure(signal: AbortSignal): Promise<void>
  /** Makes the tap of a virtual machine, joined to the bridge; resolves with its name. `user`: whose process may open it. Idempotent. */
  addTap(uid: string, user: number | undefined, signal: AbortSignal): Promise<string>
  removeTap(uid: string, signal: AbortSignal): Promise<void>
  /** Tells where a backend's workloads are joined to the bridge. */
  follow(source: BridgePortSource): void
  /**
   * Pins each workload that is joined by now to its address: called after the start of a
   * container. Never rejects: what fails is tried again by `watch`.
   */
  pinPorts(): Promise<void>
  /**
   * Until the signal aborts, looks from time to time whether what is there of the bridge is in order: others
   * take rules away, as a firewall that is loaded anew. Resolves.
   */
  watch(signal: AbortSignal): Promise<void>
  /** What the Node says of its network; undefined: nothing, because its range is still to come. */
  condition(podCIDR: string | undefined): Promise<NetworkCondition | undefined>
}

/** No bridge: containers have the engine's own network, virtual machines that of their user. */
export function createNoNetwork(): NodeNetwork {
  const message = 'the agent was started with --network none: containers have the network of their engine'
  const refuse = () => Promise.reject(new StepError('NetworkUnavailable', message, false))
  return {
    mode: 'none',
    claim: async (_holder, claimName) => (claimName === undefined ? undefined : refuse()),
    release: async () => {},
    ensure: refuse,
    addTap: refuse,
    removeTap: async () => {},
    follow: () => {},
    pinPorts: async () => {},
    watch: async () => {},
    condition: async () => ({ type: 'NetworkReady', status: 'False', reason: 'Disabled', message }),
  }
}
