import { hostname } from 'node:os'
import type { ClusterDirectory } from './cluster-directory.js'
import type { ClusterRecord } from './cluster-record.js'
import { listenHost } from './cluster-settings.js'

/** The programs of a one-machine cluster, in the order in which they start. They end in the opposite order. */
export const programs = ['apiserver', 'scheduler', 'controller-manager', 'nodeagent', 'gateway'] as const
export type ProgramName = (typeof programs)[number]

export type ProgramSettings = Required<
  Pick<
    ClusterRecord,
    'port' | 'gatewayPort' | 'sshPort' | 'gatewayHost' | 'backends' | 'hollowNodes' | 'network' | 'agentConfig' | 'nodeName'
  >
>

/** Where the token with which the node joins lies until it is used. Its value is in no command line. */
export function joinTokenFile(directory: ClusterDirectory): string {
  return `${directory.runFolder}/join-token`
}

/** The machine's own node has the first whole; each of up to 256 nodes that join has 253 addresses of the second. */
const nodeRanges = ['172.30.0.0/16', '10.230.0.0/16'] as const

/** The command line of a program. `dockerSocket`: where Docker's engine listens, if not at the usual place. */
export function programArgs(program: ProgramName, directory: ClusterDirectory, settings: ProgramSettings, dockerSocket?: string): string[] {
  switch (program) {
    case 'apiserver':
      return [
        ...['--data-dir', directory.path, '--host', listenHost, '--port', String(settings.port)],
        ...['--reserved-ports', `${settings.gatewayPort},${settings.sshPort}`],
      ]
    case 'scheduler':
      return ['--kubeconfig', directory.kubeconfig(program)]
    case 'gateway':
      return [
        ...['--kubeconfig', directory.kubeconfig(program), '--name', settings.nodeName],
        ...['--host', settings.gatewayHost, '--agent-port', String(settings.gatewayPort), '--ssh-port', String(settings.sshPort)],
      ]
    case 'controller-manager':
      return ['--kubeconfig', directory.kubeconfig(program), '--cluster-cidr', nodeRanges.join(','), '--node-cidr-mask-size', '16,24']
    case 'nodeagent':
      return [
        ...['--data-dir', directory.node(settings.nodeName), '--node-name', settings.nodeName],
        ...['--server', `https://${listenHost}:${settings.port}`, '--ca-file', `${directory.path}/apiserver/pki/ca.crt`],
        ...['--join-token-file', joinTokenFile(directory), '--backends', settings.backends.join(',')],
        ...['--network', settings.network],
        ...(settings.agentConfig === '' ? [] : ['--config', settings.agentConfig]),
        ...(dockerSocket === undefined ? [] : ['--docker-socket', dockerSocket]),
        ...(settings.hollowNodes > 0 ? ['--hollow-nodes', String(settings.hollowNodes)] : []),
      ]
  }
}

/** The machine's name as the name of a Node. */
export function defaultNodeName(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
  return name || 'node-1'
}
