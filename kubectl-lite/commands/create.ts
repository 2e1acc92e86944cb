/** `create`: makes new objects, of manifests or of arguments; one that exists already is a failure. */
import type { KubeObject } from '../../lib/api/define-kind.js'
import { inNamespace } from '../apply/apply-manifest.js'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { forEach } from '../cli/for-each.js'
import { printObject } from '../cluster/api-resource.js'
import { createObject } from '../cluster/objects.js'
import { readManifests } from '../manifests/read-manifests.js'
import { parseOutputFormat } from '../print/output-format.js'
import { explainUnknownFields } from '../schema/unknown-fields.js'
import { createController } from './create/controller.js'
import { createCronTask } from './create/cron-task.js'
import { createCustomResourceDefinition } from './create/custom-resource-definition.js'
import { createDeployment } from './create/deployment.js'
import { createNamespace } from './create/namespace.js'
import { createPodDisruptionBudget } from './create/pod-disruption-budget.js'
import { createBindings } from './create/role-bindings.js'
import { createRoles } from './create/roles.js'
import { createServiceAccount } from './create/service-account.js'
import { createTask } from './create/task.js'
import { createToken } from './create/token.js'
import { createVps } from './create/vps.js'
import { createVpsSnapshot } from './create/vps-snapshot.js'
import { printObjects } from './get/as-objects.js'

interface Flags {
  readonly filename?: string[]
  readonly recursive?: boolean
  readonly dryRun: DryRun
  readonly output?: string
}

export const create: DefineCommand = (command, cli) => {
  createNamespace(command, cli)
  createDeployment(command, cli)
  createServiceAccount(command, cli)
  createRoles(command, cli)
  createBindings(command, cli)
  createPodDisruptionBudget(command, cli)
  createToken(command, cli)
  createCronTask(command, cli)
  createTask(command, cli)
  createCustomResourceDefinition(command, cli)
  createVps(command, cli)
  createVpsSnapshot(command, cli)
  createController(command, cli)
  command
    .option('-f, --filename <file...>', 'files, directories, or - for standard input')
    .option('-R, --recursive', 'with a directory: folders below too')
    .addOption(dryRunOption())
    .option('-o, --output <format>', 'print the objects: json, yaml, name, jsonpath=…')
    .action(async (flags: Flags) => {
      const manifests = await readManifests(flags.filename ?? [], flags.recursive === true, cli.io)
      const format = await parseOutputFormat(flags.output)
      const cluster = await cli.connect()
      await forEach(manifests, cli.io, async (given) => {
        const resource = await cluster.discovery.ofKind(given.apiVersion, given.kind)
        const manifest = inNamespace(given, resource, cluster.namespace)
        const write = { fieldManager: 'kubectl-create', dryRun: flags.dryRun === 'server' }
        const object =
          flags.dryRun === 'client'
            ? (manifest as unknown as KubeObject)
            : await createObject(cluster.client, resource, manifest.metadata.namespace, manifest, write).catch(async (error: unknown) => {
                throw await explainUnknownFields(cluster, manifest, error)
              })
        if (format.type === 'table') await cli.io.out(printDone(printObject(resource, object.metadata.name), 'created', flags.dryRun))
        else await cli.io.out(await printObjects([{ resource, object }], format, true, { headers: true }))
      })
    })
}
