/**
 * All that a program needs to run as a ServiceAccount of its own: the roles that its controllers declare, bindings, and a kubeconfig with a
 * token that ends. Given again, it brings these to what the program declares now, and takes away what it does not need any more.
 */
import path from 'node:path'
import { ApiError, isConflict, isForbidden } from '../../../lib/api/api-error.js'
import { ServiceAccount } from '../../../lib/api/kinds/service-account.js'
import type { Applied } from '../../apply/apply-manifest.js'
import type { Cli } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import { printObject } from '../../cluster/api-resource.js'
import type { Cluster } from '../../cluster/cluster.js'
import { deleteObject, listObjects } from '../../cluster/objects.js'
import { parseOutputFormat } from '../../print/output-format.js'
import { askProgram } from '../../program/ask-program.js'
import { assertReplaceable, writeAccountKubeconfig } from './account-kubeconfig.js'
import { accountKinds, accountLabel, accountObjects } from './account-objects.js'
import { applyKnown, type KnownObject, printApplied } from './apply-known.js'
import type { CreateFlags } from './create-one.js'

export interface ProgramAccountFlags extends CreateFlags {
  /** Of the token, milliseconds. */
  readonly duration?: number
  readonly kubeconfigOut?: string
}

const weekMs = 7 * 24 * 3_600_000

export async function createForProgram(cli: Cli, name: string, flags: ProgramAccountFlags, program: string): Promise<void> {
  const { dryRun, duration = weekMs, kubeconfigOut = `${name}.kubeconfig` } = flags
  const format = await parseOutputFormat(flags.output)
  const cluster = await cli.connect()
  const account = { namespace: cluster.namespace, name }
  const roles = await askProgram(program, ['--print-rights', '--service-account', `${account.namespace}:${name}`], cli.io)
  if (roles.length === 0) throw new UsageError(`${program} printed no rights: does it end in run(…)?`)
  const file = path.resolve(cli.io.cwd, kubeconfigOut)
  // With -o the objects are what is asked for.
  const isWritten = dryRun === 'none' && (format.type === 'table' || flags.kubeconfigOut !== undefined)
  if (isWritten) await assertReplaceable(file, account)

  const manifest = { apiVersion: ServiceAccount.apiVersion, kind: ServiceAccount.kind, metadata: { name, namespace: account.namespace } }
  const applied: Applied[] = [await applyKnown(cli.connect, { kind: ServiceAccount, manifest }, dryRun, cli)]
  const objects = accountObjects(account, roles, applied[0]?.object.metadata.uid, program)
  for (const object of objects) applied.push(await applyKnown(cli.connect, object, dryRun, cli).catch(withAdvice(object)))
  await printApplied(applied, format, dryRun, cli)
  if (dryRun !== 'none') return
  await removeOthers(cli, cluster, applied)
  if (!isWritten) return
  const endsAt = await writeAccountKubeconfig(cluster, account, duration, file)
  await cli.io.out(`${kubeconfigOut} written; its token is good until ${endsAt}, and the program renews it\n`)
}

/** Takes away what was made for this account and is not needed any more. */
async function removeOthers({ io }: Cli, cluster: Cluster, applied: readonly Applied[]): Promise<void> {
  const kept = new Set(applied.map(({ object }) => object.metadata.uid))
  const labelSelector = `${accountLabel}=${applied[0]?.object.metadata.uid}`
  for (const kind of accountKinds) {
    const found = await listObjects(cluster.client, kind, { labelSelector }).catch((error: unknown) => {
      if (!isForbidden(error)) throw error
      io.err(`Warning: ${kind.plural} that are not needed any more could not be looked for: ${(error as Error).message}\n`)
      return { items: [] }
    })
    for (const { metadata } of found.items) {
      if (kept.has(metadata.uid)) continue
      await deleteObject(cluster.client, kind, metadata, { cascade: 'background' })
      io.err(`${printObject(kind, metadata.name)} deleted: it is not needed any more\n`)
    }
  }
}

/** What to do where the server says no. */
function withAdvice({ kind, manifest }: KnownObject): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ApiError) || !(isForbidden(error) || isConflict(error))) throw error
    const advice = isForbidden(error)
      ? 'Nobody gives away rights that they lack: let somebody who has them all give this command.'
      : `The ${kind.kind} ${manifest.metadata.name} is somebody else's: give the ServiceAccount another name, or delete what is there.`
    const [message = ''] = error.message.split('\nOthers manage')
    throw new ApiError(error.reason, `${message}\n${advice}`, { code: error.code, details: error.details, cause: error })
  }
}
