/**
 * Arithmetic on what workloads ask for and nodes have. Amounts are whole numbers: cpu in thousandths of a
 * core, memory and storage in bytes, everything else in pieces.
 */
import { cpuMillis, memoryBytes, printBytes, printCpu } from './quantity.js'

export type ResourceAmounts = Readonly<Record<string, number>>

/** What a workload counts as when it names nothing: an unset request is never nothing. */
export const defaultRequests: ResourceAmounts = { cpu: 100, memory: 64 * 1024 * 1024 }

/** Quantities by resource name, as amounts. */
export function toAmounts(quantities: Readonly<Record<string, string | number>> | undefined): ResourceAmounts {
  return Object.fromEntries(
    Object.entries(quantities ?? {}).map(([name, quantity]) => [name, name === 'cpu' ? cpuMillis(quantity) : memoryBytes(quantity)]),
  )
}

/** What a workload reserves: its requests, else its limits, else the defaults, resource by resource. */
export function requestsOf(
  spec: {
    readonly resources?:
      | { readonly requests?: Record<string, string | number> | undefined; readonly limits?: Record<string, string | number> | undefined }
      | undefined
  },
  defaults: ResourceAmounts = defaultRequests,
): ResourceAmounts {
  return { ...defaults, ...toAmounts(spec.resources?.limits), ...toAmounts(spec.resources?.requests) }
}

export function addAmounts(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  const sum: Record<string, number> = { ...a }
  for (const [name, amount] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + amount
  return sum
}

/** An amount for people: `1.2Gi`, `500m`, `2`. */
export function printAmount(name: string, amount: number): string {
  if (name === 'cpu') return printCpu(amount)
  return name === 'memory' || name.includes('storage') ? printBytes(amount) : String(amount)
}
