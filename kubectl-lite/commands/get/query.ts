import type { ByteIo } from '../../cli/io.js'
import type { ApiResource } from '../../cluster/api-resource.js'
import type { Cluster } from '../../cluster/cluster.js'

export interface GetFlags {
  readonly output?: string
  readonly watch?: boolean
  readonly watchOnly?: boolean
  readonly outputWatchEvents?: boolean
  readonly allNamespaces?: boolean
  readonly selector?: string
  readonly fieldSelector?: string
  readonly filename?: string[]
  readonly recursive?: boolean
  readonly sortBy?: string
  /** False with --no-headers. */
  readonly headers: boolean
  readonly showLabels?: boolean
  readonly labelColumns?: string
  readonly showManagedFields?: boolean
  readonly ignoreNotFound?: boolean
  readonly raw?: string
}

/** One thing to ask for: an object when it has a name, else a list. */
export interface Query {
  readonly resource: ApiResource
  readonly namespace: string | undefined
  readonly name?: string | undefined
  readonly path: string
}

export interface GetContext {
  readonly cluster: Cluster
  readonly io: ByteIo
  readonly flags: GetFlags
  /** Says what went wrong with one of several; the others are shown all the same. */
  report(error: unknown): void
}
