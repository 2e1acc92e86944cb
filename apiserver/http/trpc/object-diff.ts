import { sameValue } from '../../../lib/api/json/same-value.js'

/** One field that differs. `from` is absent where it was added, `to` where it was removed; both for values that are not shown. */
export interface FieldChange {
  readonly path: string
  readonly from?: unknown
  readonly to?: unknown
}

/** The fields that differ between two revisions of an object, without those that every write changes. */
export function objectDiff(before: Record<string, unknown>, after: Record<string, unknown>): FieldChange[] {
  const changes: FieldChange[] = []
  compare('', before, after, changes)
  return changes.filter(
    ({ path }) => !ignored.some((prefix) => path === prefix || path.startsWith(`${prefix}.`) || path.startsWith(`${prefix}[`)),
  )
}

const ignored = ['metadata.resourceVersion', 'metadata.managedFields', 'metadata.generation']

/** The same without any value: of sealed kinds only the names of what changed are told. */
export function withoutValues(changes: readonly FieldChange[]): FieldChange[] {
  return changes.map(({ path }) => ({ path }))
}

function compare(path: string, before: unknown, after: unknown, out: FieldChange[]): void {
  if (sameValue(before, after) || out.length >= maxChanges) return
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) compare(memberPath(path, key), before[key], after[key], out)
    return
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    compareLists(path, before, after, out)
    return
  }
  out.push({ path, ...(before === undefined ? {} : { from: shown(before) }), ...(after === undefined ? {} : { to: shown(after) }) })
}
const maxChanges = 200

/** Items are told apart by the name or type that lists of objects have; others by their place. */
function compareLists(path: string, before: readonly unknown[], after: readonly unknown[], out: FieldChange[]): void {
  const key = ['type', 'name', 'uid', 'key'].find((candidate) =>
    [...before, ...after].every((item) => isRecord(item) && typeof item[candidate] === 'string'),
  )
  if (key === undefined) {
    for (let index = 0; index < Math.max(before.length, after.length); index += 1)
      compare(`${path}[${index}]`, before[index], after[index], out)
    return
  }
  const byKey = (items: readonly unknown[]) => new Map(items.map((item) => [(item as Record<string, string>)[key] ?? '', item]))
  const [old, next] = [byKey(before), byKey(after)]
  for (const name of new Set([...old.keys(), ...next.keys()])) compare(`${path}[${name}]`, old.get(name), next.get(name), out)
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const memberPath = (path: string, key: string) =>
  /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? (path === '' ? key : `${path}.${key}`) : `${path}[${key}]`

/** Long texts are cut: a diff is read by people. */
function shown(value: unknown): unknown {
  if (typeof value === 'string') return value.length > maxText ? `${value.slice(0, maxText)}… (${value.length} characters)` : value
  const text = JSON.stringify(value)
  return text !== undefined && text.length > maxText ? `${text.slice(0, maxText)}… (${text.length} characters)` : value
}
const maxText = 400
