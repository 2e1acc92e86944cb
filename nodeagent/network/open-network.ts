import type { NetworkChoice } from '../agent-flags.js'
import { BridgeNetwork, type BridgeNetworkOptions } from './bridge-network.js'
import { createNoNetwork, type NodeNetwork } from './node-network.js'

/** The network that --network asks for. Nothing is made before it is needed. */
export function openNetwork({ choice, ...options }: Omit<BridgeNetworkOptions, 'asked'> & { readonly choice: NetworkChoice }): NodeNetwork {
  return choice === 'none' ? createNoNetwork() : new BridgeNetwork({ ...options, asked: choice })
}
