import { compileJsonPath } from '../../lib/api/json-path.js'
import { parseQuantity } from '../../lib/api/quantity.js'
import { UsageError } from '../cli/exit-code.js'

/** The items in the order of the value at `path`: numbers and quantities by size, text by its letters; those without one come first. */
export function sortByPath<T>(items: readonly T[], path: string, objectOf: (item: T) => unknown): T[] {
  let select: ReturnType<typeof compileJsonPath>
  try {
    select = compileJsonPath(path)
  } catch (error) {
    throw new UsageError(`--sort-by: ${error instanceof Error ? error.message : String(error)}`)
  }
  return items
    .map((item) => ({ item, value: select(objectOf(item))[0] }))
    .sort((left, right) => compareValues(left.value, right.value))
    .map(({ item }) => item)
}

function compareValues(left: unknown, right: unknown): number {
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined)
  const [leftSize, rightSize] = [sizeOf(left), sizeOf(right)]
  if (leftSize !== undefined && rightSize !== undefined) return leftSize < rightSize ? -1 : Number(leftSize > rightSize)
  const [leftText, rightText] = [String(left), String(right)]
  return leftText < rightText ? -1 : Number(leftText > rightText)
}

function sizeOf(value: unknown): number | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string' || !/^[+-]?[\d.]+([KMGTPE]i?|[numk]|[eE][+-]?\d+)?$/.test(value)) return undefined
  try {
    return parseQuantity(value)
  } catch {
    return undefined
  }
}
