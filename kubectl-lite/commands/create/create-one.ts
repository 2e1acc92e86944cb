import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import type { Cli } from '../../cli/cli.js'
import { type DryRun, printDone } from '../../cli/dry-run.js'
import { printObject } from '../../cluster/api-resource.js'
import { type Cluster, clientName } from '../../cluster/cluster.js'
import { createObject } from '../../cluster/objects.js'
import { parseOutputFormat } from '../../print/output-format.js'
import { printObjects } from '../get/as-objects.js'

/** Flags of `create` itself, which every `create KIND` has. */
export interface CreateFlags {
  readonly dryRun: DryRun
  readonly output?: string
}

/** Makes one object of arguments and prints it as the flags say. `make` gets the cluster, for names that discovery knows. */
export async function createOne(
  cli: Cli,
  kind: Pick<Kind, 'apiVersion' | 'kind' | 'scope'>,
  flags: CreateFlags,
  name: string,
  make: (cluster: Cluster) => Promise<object> | object,
): Promise<void> {
  const format = await parseOutputFormat(flags.output)
  const cluster = await cli.connect()
  const resource = await cluster.discovery.ofKind(kind.apiVersion, kind.kind)
  const namespace = kind.scope === 'Namespaced' ? cluster.namespace : undefined
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) }
  const manifest = { apiVersion: kind.apiVersion, kind: kind.kind, metadata, ...(await make(cluster)) }
  const write = { fieldManager: clientName, dryRun: flags.dryRun === 'server' }
  const object =
    flags.dryRun === 'client'
      ? (manifest as unknown as KubeObject)
      : await createObject(cluster.client, resource, namespace, manifest, write)
  if (format.type === 'table') await cli.io.out(printDone(printObject(resource, name), 'created', flags.dryRun))
  else await cli.io.out(await printObjects([{ resource, object }], format, true, { headers: true }))
}
