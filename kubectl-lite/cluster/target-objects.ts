import { type Command, Option } from 'commander'
import { UsageError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import { readManifests } from '../manifests/read-manifests.js'
import type { ApiResource } from './api-resource.js'
import type { Cluster } from './cluster.js'
import { listObjects } from './objects.js'
import { parseSelection } from './selection.js'

/** One existing object that a command is about. */
export interface Target {
  readonly resource: ApiResource
  readonly namespace: string | undefined
  readonly name: string
}

export interface TargetFlags {
  readonly filename?: string[]
  readonly recursive?: boolean
  readonly selector?: string
  readonly fieldSelector?: string
  readonly all?: boolean
  readonly allNamespaces?: boolean
}

/** The flags by which commands take several objects. */
export function withTargetFlags(command: Command): Command {
  return command
    .option('-f, --filename <file...>', 'the objects that manifests name')
    .option('-R, --recursive', 'with -f: folders below too')
    .option('-l, --selector <selector>', 'label selector: app=web')
    .option('--field-selector <selector>', 'field selector: status.phase=Failed')
    .option('--all', 'all objects of the kind')
    .addOption(new Option('-A, --all-namespaces', 'with --all or a selector: in all namespaces'))
}

/** The objects that words and flags mean. Throws UsageError when they mean none, or could mean more than was said. */
export async function findTargets(cluster: Cluster, words: readonly string[], flags: TargetFlags, io: Io): Promise<Target[]> {
  if (flags.filename) {
    if (words.length > 0) throw new UsageError('name objects, or give -f, not both')
    const targets: Target[] = []
    for (const manifest of await readManifests(flags.filename, flags.recursive === true, io)) {
      if (!manifest.metadata.name) throw new UsageError(`an object of kind ${manifest.kind} in ${flags.filename.join(', ')} has no name`)
      const resource = await cluster.discovery.ofKind(manifest.apiVersion, manifest.kind)
      targets.push(target(resource, manifest.metadata.namespace ?? cluster.namespace, manifest.metadata.name))
    }
    return targets
  }
  const selection = await parseSelection(cluster.discovery, words)
  const selects = flags.selector !== undefined || flags.fieldSelector !== undefined || flags.all === true
  if (selection.type === 'names') {
    if (selects) throw new UsageError('name objects, or select them with -l, --field-selector or --all, not both')
    return selection.items.map(({ resource, name }) => target(resource, cluster.namespace, name))
  }
  if (!selects)
    throw new UsageError('resource(s) were provided, but no name was specified: name objects, or give -l, --field-selector or --all')
  const targets: Target[] = []
  for (const resource of selection.resources) {
    const namespace = flags.allNamespaces || resource.scope === 'Cluster' ? undefined : cluster.namespace
    const { items } = await listObjects(cluster.client, resource, {
      namespace,
      labelSelector: flags.selector,
      fieldSelector: flags.fieldSelector,
    })
    for (const item of items) targets.push(target(resource, item.metadata.namespace, item.metadata.name))
  }
  return targets
}

function target(resource: ApiResource, namespace: string | undefined, name: string): Target {
  return { resource, namespace: resource.scope === 'Cluster' ? undefined : namespace, name }
}
