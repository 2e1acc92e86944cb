import { createHash } from 'node:crypto'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Names of interfaces have 15 characters at most. The bridge is the agent's for good, whatever its node is called. */
export const bridgeName = (identity: string) => `mrbr${digest(identity).toString('hex').slice(0, 8)}`

/** The tap of a virtual machine. */
export const tapName = (uid: string) => `mr${digest(uid).toString('hex').slice(0, 10)}`

/** Whether an interface has the name of a tap. */
export const isTapName = (name: string) => /^mr[0-9a-f]{10}$/.test(name)

/** The same at every start: a guest that has seen its network card knows it again. */
export function macOf(uid: string): string {
  return `52:54:00:${[...digest(uid).subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`
}
