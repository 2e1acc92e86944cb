import type { Lease } from './kinds/lease.js'

/** Where a server of streams takes the connections of agents. */
export interface StreamAnnouncement {
  /** As https://gateway.example:6444. */
  readonly server: string
  /** The certificate that it serves, PEM: trusted because the Lease says so, and nothing else is. */
  readonly ca: string
  /** Where people log in by SSH, as HOST:PORT. */
  readonly sshEndpoint?: string
}

const serverAnnotation = 'millrace.dev/stream-server'
const caAnnotation = 'millrace.dev/stream-ca'
const sshAnnotation = 'millrace.dev/ssh-endpoint'

/** Undefined for a Lease that announces nothing that can be connected to. */
export function readAnnouncement({ metadata: { annotations = {} } }: Pick<Lease, 'metadata'>): StreamAnnouncement | undefined {
  const { [serverAnnotation]: server = '', [caAnnotation]: ca, [sshAnnotation]: sshEndpoint } = annotations
  if (!ca || !URL.canParse(server) || new URL(server).protocol !== 'https:') return undefined
  return { server, ca, ...(sshEndpoint ? { sshEndpoint } : {}) }
}

/** The annotations of the Lease that says so. */
export function printAnnouncement({ server, ca, sshEndpoint }: StreamAnnouncement): Record<string, string> {
  return { [serverAnnotation]: server, [caAnnotation]: ca, ...(sshEndpoint ? { [sshAnnotation]: sshEndpoint } : {}) }
}
