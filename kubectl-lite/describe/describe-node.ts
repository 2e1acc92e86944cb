import type { Node } from '../../lib/api/kinds/node.js'
import type { Task } from '../../lib/api/kinds/task.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { printBytes } from '../../lib/api/quantity.js'
import { addAmounts, printAmount, type ResourceAmounts, toAmounts } from '../../lib/api/resource-amounts.js'
import { printTaint } from '../../lib/api/taint-toleration.js'
import { promisedAmounts } from '../../lib/api/workload-promise.js'
import { alignColumns } from '../print/align-columns.js'
import { printConditions } from './conditions.js'
import { describeGpus, describeLoad, describeNuma, type NodeLoad } from './describe-load.js'
import { headFields } from './head-fields.js'
import { fieldLines } from './text-block.js'

/** What is bound to a node. */
export interface BoundWorkloads {
  readonly tasks: readonly Task[]
  readonly vpses: readonly Vps[]
}

/** A Node in words, with what runs on it. */
export function describeNode(node: Node, bound: BoundWorkloads, load: NodeLoad, nowMs: number): string {
  const { spec = {}, status = {} } = node
  const tasks = bound.tasks.filter((task) => task.status?.phase !== 'Succeeded' && task.status?.phase !== 'Failed')
  // Stopped, it holds its disk alone.
  const holding = [...tasks, ...bound.vpses.filter((vps) => vps.spec.running || vps.status?.phase === 'Running')]
  const info = status.nodeInfo
  return [
    fieldLines([
      ...headFields(node, nowMs),
      ['Unschedulable', String(spec.unschedulable === true)],
      ['Taints', spec.taints?.map(printTaint).join('\n') || '<none>'],
      ['Addresses', status.addresses?.map(({ type, address }) => `${type}: ${address}`).join('\n')],
      ['System', info && `${info.osImage}, kernel ${info.kernelVersion}, ${info.architecture}`],
      ['Agent', info?.kubeletVersion],
      ['Backends', status.backends?.map(printBackend).join('\n')],
      ['GPUs', describeGpus(node, load)],
      ['NUMA', describeNuma(node)],
      ['Images', printImages(status.images)],
      ...describeLoad(node, load),
    ]),
    printConditions(status.conditions, nowMs),
    printAmounts(node, holding),
    printWorkloads('Tasks', tasks),
    ...(bound.vpses.length === 0 ? [] : [printWorkloads('Vpses', bound.vpses)]),
  ].join('')
}

function printWorkloads(title: string, workloads: readonly (Task | Vps)[]): string {
  if (workloads.length === 0) return `${title}:  <none>\n`
  const rows = workloads.map(({ metadata, spec, status }) => {
    const amounts = promisedAmounts({ spec, status })
    const [cpu, memory] = ['cpu', 'memory'].map((name) => printAmount(name, amounts[name] ?? 0))
    return [`  ${metadata.namespace}`, metadata.name, status?.phase ?? 'Pending', cpu ?? '', memory ?? '']
  })
  return `${title}:\n${alignColumns([['  Namespace', 'Name', 'Phase', 'CPU', 'Memory'], ['  ---------', '----', '-----', '---', '------'], ...rows])}`
}

const imagesShown = 10

/** The largest ones; a node keeps many. */
function printImages(images: NonNullable<Node['status']>['images'] = []): string {
  const shown = images.slice(0, imagesShown).map(({ names, sizeBytes }) => `${names[0]} (${printBytes(sizeBytes ?? 0)})`)
  const more = images.length > imagesShown ? [`and ${images.length - imagesShown} more`] : []
  return [...shown, ...more].join('\n') || '<none>'
}

type Backend = NonNullable<NonNullable<Node['status']>['backends']>[number]

function printBackend(backend: Backend): string {
  if (!backend.available) return `${backend.name}: not available${backend.message ? `: ${backend.message}` : ''}`
  const facts = [
    backend.version,
    backend.isolation && `isolation ${backend.isolation}`,
    backend.limits && `limits ${backend.limits}`,
    backend.message,
  ].filter(Boolean)
  return `${backend.name}: ${facts.join(', ') || 'available'}`
}

/** What runs reserves, of what the node may promise: CPU more than once, memory never. */
function printAmounts({ status = {} }: Node, holding: readonly (Task | Vps)[]): string {
  const allocatable = toAmounts(status.allocatable)
  const asked = holding.map(({ spec, status }) => promisedAmounts({ spec, status })).reduce<ResourceAmounts>(addAmounts, {})
  const rows = Object.entries(allocatable).map(([name, amount]) => {
    const factor = name === 'cpu' ? (status.cpuFactor ?? 1) : 1
    const share = amount > 0 ? `${Math.round((100 * (asked[name] ?? 0)) / (amount * factor))}%` : ''
    return [`  ${name}`, printAmount(name, asked[name] ?? 0), `${printAmount(name, amount)}${factor === 1 ? '' : ` x ${factor}`}`, share]
  })
  return `Requests:\n${alignColumns([['  Resource', 'Asked', 'Of', 'Share'], ['  --------', '-----', '--', '-----'], ...rows])}`
}
