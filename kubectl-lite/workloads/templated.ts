import type { KubeObject } from '../../lib/api/define-kind.js'
import type { PodTemplate } from '../../lib/api/pod-template/pod-template.js'
import { type DryRun, printDone } from '../cli/dry-run.js'
import { UsageError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import { printObject } from '../cluster/api-resource.js'
import { type Cluster, clientName } from '../cluster/cluster.js'
import { getObject, patchObject } from '../cluster/objects.js'
import type { Target } from '../cluster/target-objects.js'

/** An object that keeps Tasks of a template: a Deployment or a ReplicaSet. */
export interface Templated extends KubeObject {
  spec: { template: PodTemplate }
}

/** Throws UsageError for objects without a template. */
export async function readTemplated(cluster: Cluster, target: Target): Promise<Templated> {
  const { resource, name } = target
  if (resource.group !== 'apps') throw new UsageError(`${resource.singular}/${name} has no template: Deployments and ReplicaSets have`)
  return (await getObject(cluster.client, resource, target)) as Templated
}

export interface TemplateChange {
  /** A strategic merge patch of the template. */
  readonly template: object
  /** What is said when it is done: `image updated`. */
  readonly verb: string
  readonly dryRun: DryRun
}

/** Patches the template of an object, and says so; nothing is said where nothing changes. */
export async function changeTemplate(
  cluster: Cluster,
  io: Io,
  target: Target,
  live: Templated,
  { template, verb, dryRun }: TemplateChange,
): Promise<void> {
  const subject = printObject(target.resource, target.name)
  if (dryRun === 'client') return await io.out(printDone(subject, verb, dryRun))
  const write = { fieldManager: clientName, dryRun: dryRun === 'server' }
  const next = await patchObject(cluster.client, target.resource, target, 'strategic', { spec: { template } }, write)
  if (next.metadata.generation !== live.metadata.generation) await io.out(printDone(subject, verb, dryRun))
}
