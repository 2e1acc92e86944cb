#!/usr/bin/env node
import { homedir } from 'node:os'
import process from 'node:process'
import { FlagError } from '../lib/base/flags.js'
import { createLogger } from '../lib/base/log.js'
import { shutdownSignal } from '../lib/base/signals.js'
import { KubeconfigError } from '../lib/client/kubeconfig/kubeconfig.js'
import { GatewayNameTaken } from './announce/stream-lease.js'
import { gatewayFlags } from './gateway-flags.js'
import { ListenError } from './listen.js'
import { HostKeyError } from './ssh/host-key.js'
import { startGateway } from './start-gateway.js'

const program = 'millrace-gateway'

/** Failures that a sentence explains. */
const explained = [FlagError, KubeconfigError, ListenError, GatewayNameTaken, HostKeyError]

try {
  const flags = gatewayFlags(process.argv.slice(2))
  if ('help' in flags) process.stdout.write(flags.help)
  else {
    const log = createLogger({ program, level: flags.logLevel })
    await startGateway(flags, { env: process.env, home: homedir() }, log, shutdownSignal())
  }
  process.exit(0)
} catch (error) {
  const plain = explained.some((kind) => error instanceof kind)
  process.stderr.write(`${program}: ${error instanceof Error ? (plain ? error.message : error.stack) : String(error)}\n`)
  process.exit(error instanceof FlagError ? 2 : 1)
}
