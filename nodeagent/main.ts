#!/usr/bin/env node
import process from 'node:process'
import { FlagError } from '../lib/base/flags.js'
import { createLogger } from '../lib/base/log.js'
import { shutdownSignal } from '../lib/base/signals.js'
import { KubeconfigError } from '../lib/client/kubeconfig/kubeconfig.js'
import { agentFlags } from './agent-flags.js'
import { DirectoryInUseError } from './node/agent-directory.js'
import { JoinError } from './node/client-certificate.js'
import { NodeTakenError } from './node/heartbeat.js'
import { PurgeError, purgeNode } from './purge-node.js'
import { startNodeAgent } from './start-node-agent.js'

const program = 'millrace-nodeagent'

/** Failures that a sentence explains. */
const explained = [FlagError, KubeconfigError, DirectoryInUseError, JoinError, NodeTakenError, PurgeError]

try {
  const flags = agentFlags(process.argv.slice(2))
  const searchPath = process.env.PATH || '/usr/bin:/bin'
  if ('help' in flags) process.stdout.write(flags.help)
  else if (flags.purge) process.stdout.write(`${await purgeNode(flags, searchPath)}\n`)
  else {
    const ending = shutdownSignal()
    const replaced = new AbortController()
    process.on('SIGUSR2', () => replaced.abort(new Error('stopped by SIGUSR2')))
    const log = createLogger({ program, level: flags.logLevel })
    await startNodeAgent(flags, searchPath, log, { ending, replaced: replaced.signal })
  }
  process.exit(0)
} catch (error) {
  const plain = explained.some((kind) => error instanceof kind)
  process.stderr.write(`${program}: ${error instanceof Error ? (plain ? error.message : error.stack) : String(error)}\n`)
  process.exit(error instanceof FlagError ? 2 : 1)
}
