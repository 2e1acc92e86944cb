import { hostname } from 'node:os'
import { isDnsSubdomain } from '../lib/api/names.js'
import { FlagError, parseFlags } from '../lib/base/flags.js'
import type { LogLevel } from '../lib/base/log.js'
import type { PlaceLimits } from './tunnels/places.js'

/** What the gateway was started with. */
export interface GatewayFlags {
  readonly kubeconfig: string | undefined
  /** That of its Lease. */
  readonly name: string
  readonly host: string
  readonly advertiseHost: string
  readonly agentPort: number
  /** Of each Tunnel. */
  readonly tunnelLimits: PlaceLimits
  readonly sshPort: number
  readonly metricsPort: number | undefined
  readonly logLevel: LogLevel
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent']

/** Reads the command line. Throws FlagError. */
export function gatewayFlags(argv: readonly string[]): GatewayFlags | { readonly help: string } {
  const { values, help } = parseFlags(
    {
      program: 'millrace-gateway',
      summary: 'lets people in, over the connections that the agents dial: nodes need no open port',
      flags: {
        kubeconfig: {
          type: 'string',
          value: 'FILE',
          description: 'how to reach the API server, and as whom; default: KUBECONFIG, then ~/.kube/config',
        },
        name: { type: 'string', value: 'NAME', description: "the name of its Lease, each gateway's own (default: the machine's)" },
        host: { type: 'string', value: 'ADDRESS', default: '0.0.0.0', description: 'the address to listen on' },
        'advertise-host': {
          type: 'string',
          value: 'HOST',
          description: "the name or address by which agents and people reach it (default: that of --host, or the machine's name)",
        },
        'agent-port': { type: 'integer', value: 'PORT', default: 6444, description: 'where agents connect, by TLS; 0: any free port' },
        'max-tunnel-connections': {
          type: 'integer',
          default: 256,
          description: 'connections of one Tunnel at once, by udp peers; more are refused',
        },
        'max-tunnel-connections-per-address': {
          type: 'integer',
          default: 64,
          description: 'the same of one address, so that no client takes them all; an IPv6 /64 is one address',
        },
        'ssh-port': { type: 'integer', value: 'PORT', default: 2222, description: 'where people log in by SSH; 0: any free port' },
        'metrics-port': {
          type: 'integer',
          value: 'PORT',
          description: 'serve /healthz, /readyz and /metrics on this port of 127.0.0.1; default: not served',
        },
        'log-level': { type: 'string', value: 'LEVEL', default: 'info', description: logLevels.join(', ') },
      },
    },
    argv,
  )
  if (help !== undefined) return { help }
  if (!logLevels.includes(values['log-level'])) throw new FlagError(`--log-level takes one of ${logLevels.join(', ')}`)
  const name = values.name ?? hostname().toLowerCase()
  if (!isDnsSubdomain(name)) throw new FlagError(`--name takes lowercase letters, digits, "-" and ".", not ${JSON.stringify(name)}`)
  for (const flag of ['max-tunnel-connections', 'max-tunnel-connections-per-address'] as const)
    if (values[flag] < 1) throw new FlagError(`--${flag} takes at least 1, not ${values[flag]}`)
  const host = values.host.replace(/^\[|\]$/g, '')
  return {
    kubeconfig: values.kubeconfig,
    name,
    host,
    advertiseHost: values['advertise-host'] ?? (host === '0.0.0.0' || host === '::' ? hostname() : host),
    agentPort: readPort('agent-port', values['agent-port']),
    tunnelLimits: { total: values['max-tunnel-connections'], perAddress: values['max-tunnel-connections-per-address'] },
    sshPort: readPort('ssh-port', values['ssh-port']),
    metricsPort: values['metrics-port'] === undefined ? undefined : readPort('metrics-port', values['metrics-port']),
    logLevel: values['log-level'] as LogLevel,
  }
}

function readPort(flag: string, port: number): number {
  if (port < 0 || port > 65_535) throw new FlagError(`--${flag} takes a port, not ${port}`)
  return port
}
