import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import type { Applied } from '../../apply/apply-manifest.js'
import { applyServerSide } from '../../apply/apply-server-side.js'
import type { Cli } from '../../cli/cli.js'
import { type DryRun, printDone } from '../../cli/dry-run.js'
import { type ApiResource, printObject } from '../../cluster/api-resource.js'
import type { Cluster } from '../../cluster/cluster.js'
import type { Manifest } from '../../manifests/decode-manifests.js'
import type { OutputFormat } from '../../print/output-format.js'
import { printObjects } from '../get/as-objects.js'

/** An object of a kind that kubectl-lite itself knows. */
export interface KnownObject {
  readonly kind: Pick<Kind, keyof ApiResource>
  readonly manifest: Manifest
}

/** Makes an object as its manifest says; a dry run at the client sends nothing, and needs no server. */
export async function applyKnown(
  connect: () => Promise<Cluster>,
  { kind, manifest }: KnownObject,
  dryRun: DryRun,
  cli: Cli,
): Promise<Applied> {
  if (dryRun === 'client') return { resource: kind, outcome: 'created', object: manifest as unknown as KubeObject }
  const at = { namespace: manifest.metadata.namespace, name: manifest.metadata.name ?? '' }
  const method = { serverSide: true, dryRun }
  return await applyServerSide(await connect(), { resource: kind, manifest, at }, method, (text) => cli.io.err(`Warning: ${text}\n`))
}

/** A line for each object, or the objects as `-o` asks for them. */
export async function printApplied(applied: readonly Applied[], format: OutputFormat, dryRun: DryRun, cli: Cli): Promise<void> {
  if (format.type !== 'table') return await cli.io.out(await printObjects(applied, format, applied.length === 1, { headers: true }))
  for (const { resource, object, outcome } of applied)
    await cli.io.out(printDone(printObject(resource, object.metadata.name), outcome, dryRun))
}
