/**
 * Keeps the agent's own Node as it is: registers it, and writes its status when something changed, at most every ten seconds. Heartbeats
 * are not its business (heartbeat.ts). What others write into the Node stays.
 */
import { freemem } from 'node:os'
import { isAlreadyExists, isConflict, isNotFound } from '../../lib/api/api-error.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { Node } from '../../lib/api/kinds/node.js'
import { type Clock, sleep } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import type { Backend } from '../backends/backend.js'
import type { NodeNetwork } from '../network/node-network.js'
import type { MachineFacts } from './machine-facts.js'
import { type NodeSettings, nodeStatus } from './node-status.js'

/** What a Node says of a backend. */
export type ReportedBackend = Pick<Backend, 'name' | 'features' | 'info'>

export interface NodeReporterOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly nodeName: string
  /** Set when the Node is registered, beside what the agent says of the machine. */
  readonly labels: Readonly<Record<string, string>>
  readonly facts: MachineFacts
  readonly backends: readonly ReportedBackend[]
  readonly network: Pick<NodeNetwork, 'condition'>
  readonly settings: NodeSettings
  /** How much of the disk is free, bytes. */
  readonly freeDisk: () => Promise<number>
}

const periodMs = 10_000
const retryMs = 2_000

export class NodeReporter {
  /** Resolves when the Node is there, which waits for no backend. */
  readonly registered: Promise<void>
  private isRegistered = false
  private confirm: () => void = () => {}

  constructor(private readonly options: NodeReporterOptions) {
    this.registered = new Promise((resolve) => {
      this.confirm = resolve
    })
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.options
    while (!signal.aborted) {
      let pauseMs = periodMs
      try {
        await this.report(signal)
      } catch (error) {
        if (signal.aborted) return
        log.warn({ err: error }, 'the Node could not be reported; it is tried again')
        pauseMs = retryMs
      }
      await sleep(clock, pauseMs, signal).catch(() => {})
    }
  }

  /** Registers the Node where it is not there, and writes what changed. */
  async report(signal: AbortSignal): Promise<void> {
    const { client, clock, nodeName, facts, backends, network, settings, freeDisk } = this.options
    if (!this.isRegistered) {
      await this.getOrRegister(signal)
      this.isRegistered = true
      this.confirm()
    }
    const infos = await Promise.all(
      backends.map(async (backend) => ({
        name: backend.name,
        features: backend.features,
        ...(await backend.info(AbortSignal.any([signal, AbortSignal.timeout(60_000)]))),
      })),
    )
    const node = await this.getOrRegister(signal)
    const seen = {
      backends: infos,
      freeMemoryBytes: freemem(),
      freeDiskBytes: await freeDisk(),
      network: await network.condition(node.spec.podCIDR),
    }
    const status = nodeStatus(node.status, facts, seen, settings, clock.now())
    if (!sameValue(status, node.status)) {
      const { resourceVersion } = node.metadata
      try {
        await client.of(Node).mergePatch({ name: nodeName }, { metadata: { resourceVersion }, status }, { subresource: 'status', signal })
      } catch (error) {
        // Somebody else wrote meanwhile; what they wrote is looked at first.
        if (isConflict(error)) return this.report(signal)
        throw error
      }
    }
    const labels = Object.fromEntries(Object.entries(this.facts).filter(([key, value]) => node.metadata.labels?.[key] !== value))
    if (Object.keys(labels).length > 0) await client.of(Node).mergePatch({ name: nodeName }, { metadata: { labels } }, { signal })
  }

  /** Labels that say what the machine is. */
  private get facts(): Readonly<Record<string, string>> {
    const { nodeName, facts } = this.options
    return { 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': facts.architecture }
  }

  private async getOrRegister(signal: AbortSignal): Promise<Node> {
    const { client, nodeName, labels, log } = this.options
    const nodes = client.of(Node)
    try {
      return await nodes.get({ name: nodeName }, { signal })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
    try {
      const node = await nodes.create({ metadata: { name: nodeName, labels: { ...labels, ...this.facts } }, spec: {} }, { signal })
      log.info({ node: nodeName }, 'registered the Node')
      return node
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      return nodes.get({ name: nodeName }, { signal })
    }
  }
}
