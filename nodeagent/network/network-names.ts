import { createHash } from 'node:crypto'
import type { BridgePort } from './bridge-port.js'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Names of interfaces have 15 characters at most. The bridge is the agent's for good, whatever its node is called. */
export const bridgeName = (identity: string) => `mrbr${digest(identity).toString('hex').slice(0, 8)}`

/** The card of the bridge, the same whoever is joined to it: those on it remember the gateway by it. */
export const bridgeMac = (bridge: string) => `02:42:${hexPairs(digest(bridge), 4)}`

/** The tap of a virtual machine. */
export const tapName = (uid: string) => `mr${digest(uid).toString('hex').slice(0, 10)}`

/** Whether an interface has the name of a tap. */
export const isTapName = (name: string) => /^mr[0-9a-f]{10}$/.test(name)

/** The same at every start: a guest that has seen its network card knows it again. */
export const macOf = (uid: string) => `52:54:00:${hexPairs(digest(uid), 3)}`

const hexPairs = (bytes: Buffer, count: number) => [...bytes.subarray(0, count)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')

/** Where a virtual machine is joined to the bridge. Nothing of the node leads to it. */
export function tapPort(uid: string, address: string): BridgePort {
  return { interface: tapName(uid), address, mac: macOf(uid), published: [] }
}
