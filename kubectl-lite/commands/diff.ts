/** `diff`: what apply would change, as the server would store it. Exit code 1 says that something would. */

import { Option } from 'commander'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { applyManifest, getOrNothing } from '../apply/apply-manifest.js'
import { withoutLastApplied } from '../apply/last-applied.js'
import type { DefineCommand } from '../cli/cli.js'
import { ExitError, exitOf } from '../cli/exit-code.js'
import { errorText } from '../cli/report-error.js'
import { readManifests } from '../manifests/read-manifests.js'
import { printYaml, withoutManagedFields } from '../print/print-object.js'
import { unifiedDiff } from '../print/unified-diff.js'
import { explainUnknownFields } from '../schema/unknown-fields.js'

interface Flags {
  readonly filename?: string[]
  readonly recursive?: boolean
  readonly showManagedFields?: boolean
  readonly serverSide: 'true' | 'false'
  readonly forceConflicts?: boolean
  readonly fieldManager?: string
}

export const diff: DefineCommand = (command, cli) => {
  command
    .option('-f, --filename <file...>', 'files, directories, or - for standard input')
    .option('-R, --recursive', 'with a directory: folders below too')
    .addOption(new Option('--server-side [boolean]', 'as apply would').choices(['true', 'false']).preset('true').default('true'))
    .option('--force-conflicts', 'as apply would: take fields that others manage')
    .option('--field-manager <name>', 'as apply would')
    .action(async (flags: Flags) => {
      const method = { serverSide: flags.serverSide === 'true', force: flags.forceConflicts === true, fieldManager: flags.fieldManager }
      const manifests = await readManifests(flags.filename ?? [], flags.recursive === true, cli.io)
      const cluster = await cli.connect()
      let differences = 0
      let failure: unknown
      for (const manifest of manifests) {
        try {
          const resource = await cluster.discovery.ofKind(manifest.apiVersion, manifest.kind)
          const namespace = resource.scope === 'Cluster' ? undefined : (manifest.metadata.namespace ?? cluster.namespace)
          const live = await getOrNothing(cluster, resource, { namespace, name: manifest.metadata.name ?? '' })
          const { object } = await applyManifest(cluster, manifest, { ...method, dryRun: 'server' }, () => undefined)
          const name = [resource.group || 'core', resource.version, resource.kind, namespace, manifest.metadata.name]
            .filter(Boolean)
            .join('.')
          const secret = resource.kind === 'Secret' && resource.group === ''
          const compare = async (before: KubeObject | undefined, after: KubeObject): Promise<string> =>
            unifiedDiff(
              before === undefined ? '' : await printYaml(shown(before, secret)),
              await printYaml(shown(after, secret, before)),
              `live/${name}`,
              `merged/${name}`,
            )
          // What apply notes for itself repeats the rest in one long line; it is shown where it is all that changes.
          const text =
            (await compare(live && withoutLastApplied(live), withoutLastApplied(object))) || (secret ? '' : await compare(live, object))
          if (text !== '') differences++
          await cli.io.out(text)
        } catch (error) {
          if (cli.io.signal.aborted) throw error
          const explained = await explainUnknownFields(cluster, manifest, error)
          cli.io.err(`${errorText(explained)}\n`)
          failure ??= explained
        }
      }
      if (failure !== undefined) {
        const exit = exitOf(failure)
        throw new ExitError(exit === 'failed' ? 'broken' : exit)
      }
      if (differences > 0) throw new ExitError('failed')
    })
}

/** Without what changes by itself; values of Secrets are masked, and marked where they differ. A Secret comes without its last manifest. */
function shown(object: KubeObject, secret: boolean, before?: KubeObject): object {
  const { metadata, ...rest } = withoutManagedFields(object)
  const { resourceVersion: _version, generation: _generation, uid: _uid, creationTimestamp: _created, ...kept } = metadata
  if (!secret) return { ...rest, metadata: kept }
  const { stringData: _plain, ...safe } = rest as Record<string, unknown>
  const old = (before?.data ?? {}) as Record<string, string>
  const data = Object.fromEntries(
    Object.entries((rest.data ?? {}) as Record<string, string>).map(([key, value]) => [
      key,
      before === undefined || old[key] === value ? '***' : '*** (changed)',
    ]),
  )
  return { ...safe, data, metadata: kept }
}
