/** A place in a list: after the object of this name, which need not exist. */
export interface ListPlace {
  readonly namespace: string
  readonly name: string
}

/** By namespace, then name. Names are ASCII, so code units are bytes. */
export function comparePlaces(a: ListPlace, b: ListPlace): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1
}

/** The same place among objects that are listed with a prefix before their names. */
export function placeBehind({ namespace, name }: ListPlace, prefix: string): ListPlace {
  if (name.startsWith(prefix)) return { namespace, name: name.slice(prefix.length) }
  return { namespace, name: name < prefix ? '' : afterAllNames }
}
const afterAllNames = '~'

/** The index of the first object after a place, by bisection. */
export function firstAfter(objects: readonly { readonly key: ListPlace }[], place: ListPlace): number {
  let low = 0
  let high = objects.length
  while (low < high) {
    const middle = (low + high) >> 1
    const object = objects[middle]
    if (object && comparePlaces(object.key, place) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
