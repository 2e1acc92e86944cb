#!/usr/bin/env node
/** `millrace-apiserver`: serves a cluster from a data directory, or looks after its database while nobody serves it. */
import { FlagError, parseFlags } from '../lib/base/flags.js'
import { createLogger, type LogLevel } from '../lib/base/log.js'
import { shutdownSignal } from '../lib/base/signals.js'
import { defaultIssuer } from './auth/tokens/server-tokens.js'
import { defaultLimits } from './http/request-limits.js'
import { printError } from './http/wire/print-error.js'
import { maintainStore, maintenanceUsage } from './maintain-store.js'
import { defaultTunnelPorts, type TunnelPorts } from './registry/strategies/tunnel.js'
import { runApiserver } from './run-apiserver.js'

const levels: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] satisfies LogLevel[]

/** The flags of the program, with their defaults. */
function readFlags(argv: readonly string[]) {
  return parseFlags(
    {
      program: 'millrace-apiserver',
      summary: 'the API of a cluster and its store',
      operands: maintenanceUsage,
      flags: {
        'data-dir': { type: 'string', value: 'DIR', required: true, description: 'the directory of the cluster; made when absent' },
        host: { type: 'string', value: 'ADDRESS', default: '127.0.0.1', description: 'the address to listen on; 0.0.0.0 for all' },
        port: { type: 'integer', value: 'PORT', default: 6443, description: 'the port to listen on; 0 for any free one' },
        names: { type: 'list', default: [], description: 'further names and addresses by which clients reach the server' },
        'token-issuer': {
          type: 'string',
          value: 'URL',
          default: defaultIssuer,
          description: "where others find the keys of ServiceAccounts' tokens; the issuer that the tokens name",
        },
        'tunnel-ports': {
          type: 'string',
          value: 'FROM-TO',
          default: `${defaultTunnelPorts.from}-${defaultTunnelPorts.to}`,
          description: 'the ports that Tunnels have; others only in namespaces labelled millrace.dev/security=privileged',
        },
        'reserved-ports': {
          type: 'list',
          value: 'PORT,…',
          default: defaultTunnelPorts.reserved.map(String),
          description: "ports that no Tunnel may have, beside the API server's own: those of the gateway",
        },
        'max-reads': { type: 'integer', default: defaultLimits.maxReads, description: 'reads in flight; more are answered 429' },
        'max-writes': { type: 'integer', default: defaultLimits.maxWrites, description: 'writes in flight; more are answered 429' },
        'watch-history': { type: 'integer', value: 'MINUTES', default: 10, description: 'how long a watch can be resumed for' },
        'shutdown-grace': {
          type: 'integer',
          value: 'MS',
          default: 500,
          description: 'milliseconds between not being ready and taking no connections',
        },
        'log-level': { type: 'string', value: 'LEVEL', default: 'info', description: 'trace, debug, info, warn, error or silent' },
      },
    },
    argv,
  )
}

async function main(): Promise<number> {
  const { values, operands, help } = readFlags(process.argv.slice(2))
  if (help !== undefined) {
    process.stdout.write(help)
    return 0
  }
  const level = values['log-level']
  if (!levels.includes(level)) throw new FlagError(`--log-level takes ${levels.join(', ')}, not ${level}`)
  if (operands.length > 0) {
    const { text, code } = await maintainStore(values['data-dir'], operands)
    process.stdout.write(`${text}\n`)
    return code
  }
  const log = createLogger({ program: 'apiserver', level: level as LogLevel })
  process.on('unhandledRejection', (error) => log.error({ error: printError(error) }, 'a failure was not handled'))
  await runApiserver(
    {
      dataDirectory: values['data-dir'],
      host: values.host,
      port: values.port,
      names: values.names,
      issuer: issuerUrl(values['token-issuer']),
      tunnelPorts: { ...portRange(values['tunnel-ports']), reserved: portList(values['reserved-ports']) },
      limits: { maxReads: values['max-reads'], maxWrites: values['max-writes'] },
      watchHistoryMs: values['watch-history'] * 60_000,
      graceMs: values['shutdown-grace'],
      log,
    },
    shutdownSignal(),
  )
  return 0
}

function issuerUrl(text: string): string {
  if (!URL.canParse(text) || !text.startsWith('https://')) throw new FlagError(`--token-issuer takes an https URL, not ${text}`)
  return text
}

/** Below 1024 are the services that a machine has for everybody. */
function portRange(text: string): Pick<TunnelPorts, 'from' | 'to'> {
  const [from = 0, to = 0] = /^\d{1,5}-\d{1,5}$/.test(text) ? text.split('-').map(Number) : []
  if (from < 1024 || to < from || to > 65_535)
    throw new FlagError(`--tunnel-ports takes two ports, 1024 or above, as 30000-32767, not ${text}`)
  return { from, to }
}

function portList(texts: readonly string[]): readonly number[] {
  const ports = texts.map(Number)
  if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535))
    throw new FlagError(`--reserved-ports takes ports, as 6443,2222, not ${texts.join(',')}`)
  return ports
}

/** A sentence for what people can mend; the rest with its stack. */
function explain(error: unknown): string {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') return `port ${port} is taken by another program; choose another one with --port`
  if (code === 'EACCES' && port !== undefined) return `port ${port} may not be opened by this user; choose one above 1023 with --port`
  return error instanceof Error ? error.message : String(error)
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`millrace-apiserver: ${explain(error)}\n`)
    process.exit(error instanceof FlagError ? 2 : 1)
  },
)
