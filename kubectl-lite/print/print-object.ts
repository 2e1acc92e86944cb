import type { KubeObject } from '../../lib/api/define-kind.js'
import { sortMembers } from '../../lib/api/json/canonical-json.js'
import { hasBigint } from '../../lib/api/json/print-json.js'

/** The object without what tools keep in it for themselves, unless that is asked for. */
export function withoutManagedFields<T extends { metadata?: unknown }>(object: T): T {
  const metadata = object.metadata as Record<string, unknown> | undefined
  if (metadata?.managedFields === undefined) return object
  const { managedFields: _dropped, ...kept } = metadata
  return { ...object, metadata: kept }
}

/** Several objects as one v1 List. */
export function asList(items: readonly Partial<KubeObject>[]): object {
  return { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } }
}

/** JSON with four spaces and sorted members, as kubectl prints it. */
export function printPrettyJson(value: unknown): string {
  const sorted = sortMembers(value)
  if (!hasBigint(sorted)) return `${JSON.stringify(sorted, null, 4)}\n`
  // Integers beyond 2^53 pass through as marked text, and lose their marks in the end.
  const text = JSON.stringify(sorted, (_key, part) => (typeof part === 'bigint' ? `\u0000${part}\u0000` : part), 4)
  return `${text.replaceAll(/"\\u0000(-?\d+)\\u0000"/g, '$1')}\n`
}

/** YAML with sorted members. */
export async function printYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify(sortMembers(value), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
    version: '1.1',
    defaultStringType: 'PLAIN',
    indentSeq: false,
  })
}
