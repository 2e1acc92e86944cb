import { parseQuantity, printBytes, printCpu } from '../../lib/api/quantity.js'

type Quantities = Readonly<Record<string, string | number>> | undefined

/** What is printed where nobody knows. */
export const unknown = '<unknown>'

/** An amount of a resource in base units: cores or bytes; undefined where it is not named. */
export function amountOf(quantities: Quantities, name: string): number | undefined {
  const quantity = quantities?.[name]
  return quantity === undefined ? undefined : parseQuantity(quantity)
}

/** How much is used, and which share of what there is; a dash where there is no bound. */
export function useCells(used: Quantities, bound: Quantities, name: string): [string, string] {
  const amount = amountOf(used, name)
  if (amount === undefined) return [unknown, unknown]
  return [printAmount(name, amount), printShare(amount, amountOf(bound, name))]
}

export function printAmount(name: string, amount: number): string {
  return name === 'cpu' ? printCpu(Math.round(amount * 1000)) : printBytes(Math.round(amount))
}

function printShare(used: number, bound: number | undefined): string {
  return bound ? `${Math.round((100 * used) / bound)}%` : '-'
}

/** The hottest of the sensors. */
export function printHottest(temperatures: readonly { readonly celsius: number }[] | undefined): string {
  if (!temperatures?.length) return '-'
  return `${Math.round(Math.max(...temperatures.map(({ celsius }) => celsius)))}°C`
}
