/** A binary heap: the least item first, by `less`. */
export class Heap<T> {
  private readonly items: T[] = []
  constructor(private readonly less: (a: T, b: T) => boolean) {}

  get size(): number {
    return this.items.length
  }
  peek(): T | undefined {
    return this.items[0]
  }

  push(item: T): void {
    const { items } = this
    let index = items.length
    items.push(item)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = items[parent] as T
      if (!this.less(item, above)) break
      items[index] = above
      index = parent
    }
    items[index] = item
  }

  pop(): T | undefined {
    const { items } = this
    const top = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return top
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.less(items[child + 1] as T, items[child] as T)) child++
      const below = items[child] as T
      if (!this.less(below, last)) break
      items[index] = below
      index = child
    }
    items[index] = last
    return top
  }
}
