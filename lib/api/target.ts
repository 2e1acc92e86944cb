/** A workload's `spec.target`: `NODE[:NUMA][::GPU,GPU]`. */
export interface Target {
  /** The node; undefined for a target that names GPUs or a NUMA node of any node, as `:1` or `::0,1`. */
  readonly node: string | undefined
  /** The NUMA node on it. */
  readonly numa: number | undefined
  /** Indexes of its GPUs, ascending, each once. */
  readonly gpus: readonly number[]
}

const pattern = /^([a-z0-9][a-z0-9.-]{0,252})?(?::(\d{1,4}))?(?:::(\d{1,4}(?:,\d{1,4})*))?$/

/** Undefined when the text is no target. */
export function parseTarget(text: string): Target | undefined {
  const match = pattern.exec(text)
  if (!match || text === '') return undefined
  const [, node, numa, gpus] = match
  const indexes = (gpus === undefined ? [] : gpus.split(',')).map(Number)
  if (new Set(indexes).size !== indexes.length) return undefined
  return { node, numa: numa === undefined ? undefined : Number(numa), gpus: indexes.sort((a, b) => a - b) }
}

/** The inverse of parseTarget. */
export function printTarget({ node, numa, gpus }: Target): string {
  return `${node ?? ''}${numa === undefined ? '' : `:${numa}`}${gpus.length === 0 ? '' : `::${gpus.join(',')}`}`
}
