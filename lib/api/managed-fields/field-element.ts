/**
 * The elements of a path in a field set: `f:NAME` a member of an object, `k:{"name":"A"}` an item of a list that is told apart by keys,
 * `v:"a"` an item of a set, `i:0` an item by its place.
 */
import { printJson } from '../json/print-json.js'
import type { JsonSchema } from '../schema/json-schema.js'

export const memberElement = (name: string) => `f:${name}`

/** What names an item of a list in field sets; undefined for items of a list that is one value (atomic). */
export function itemNaming(schema: JsonSchema | undefined): ((item: unknown) => string) | undefined {
  const listType = schema?.['x-kubernetes-list-type']
  if (listType === 'set') return (item) => `v:${printJson(item)}`
  if (listType !== 'map') return undefined
  const keys = [...(schema?.['x-kubernetes-list-map-keys'] ?? [])].sort()
  const fields = schema?.items?.properties
  return (item) => {
    const named: Record<string, unknown> = {}
    for (const key of keys) {
      const value = memberOf(item, key) ?? fields?.[key]?.default
      if (value !== undefined) named[key] = value
    }
    return `k:${printJson(named)}`
  }
}

function memberOf(item: unknown, key: string): unknown {
  if (typeof item !== 'object' || item === null || !Object.hasOwn(item, key)) return undefined
  return (item as Record<string, unknown>)[key]
}

/** `.spec.env[name="A"].value`, as Kubernetes prints it. */
export function printElements(path: readonly string[]): string {
  return path.map(printElement).join('')
}

function printElement(element: string): string {
  const text = element.slice(2)
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${text}`
    case 'k:':
      return `[${printKeys(text)}]`
    case 'v:':
      return `[=${text}]`
    default:
      return `[${text}]`
  }
}

function printKeys(text: string): string {
  try {
    const keys = Object.entries(JSON.parse(text) as Record<string, unknown>)
    return keys.map(([key, value]) => `${key}=${printJson(value)}`).join(',')
  } catch {
    return text
  }
}
