/** `edit`: opens an object in your editor and sends what you changed. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isConflict, isInvalid } from '../../lib/api/api-error.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { diffMerge } from '../apply/merge-patch.js'
import type { Cli, DefineCommand } from '../cli/cli.js'
import { ExitError, exitOf } from '../cli/exit-code.js'
import { errorText } from '../cli/report-error.js'
import { printObject } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'
import { getObject, patchObject } from '../cluster/objects.js'
import { findTargets, type Target } from '../cluster/target-objects.js'
import { decodeManifests } from '../manifests/decode-manifests.js'
import { printYaml, withoutManagedFields } from '../print/print-object.js'
import { explainUnknownFields } from '../schema/unknown-fields.js'

const notice = '# Edit the object below, save and leave the editor. Lines that begin with # are ignored; an empty file changes nothing.\n'

export const edit: DefineCommand = (command, cli) => {
  command.argument('<object...>', 'KIND NAME or KIND/NAME').action(async (words: string[]) => {
    const cluster = await cli.connect()
    for (const target of await findTargets(cluster, words, {}, cli.io)) await editObject(cli, cluster, target)
  })
}

/** Opens the editor again, with the reason on top, until the server takes the change or nothing is changed. */
async function editObject(cli: Cli, cluster: Cluster, target: Target): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubectl-lite-edit-'))
  const file = path.join(folder, `${target.resource.singular}-${target.name}.yaml`)
  const subject = printObject(target.resource, target.name)
  try {
    let live = withoutManagedFields(await getObject(cluster.client, target.resource, target))
    let text = await printYaml(live)
    let reason = ''
    let refusal: unknown
    for (;;) {
      await writeFile(file, notice + reason + text, { mode: 0o600 })
      await openEditor(cli, file)
      const edited = (await readFile(file, 'utf8')).replaceAll(/^#.*\n?/gm, '')
      if (edited.trim() === '' || edited === text) {
        if (refusal !== undefined)
          throw new ExitError(exitOf(refusal), `${subject} is unchanged: the edit was refused, and left so\n${errorText(refusal)}`)
        return await cli.io.out(`${subject}: edit cancelled, no changes made\n`)
      }
      text = edited
      try {
        const [wanted] = decodeManifests(edited, 'the edited text')
        if (!wanted) throw new ExitError('invalid', 'the edited text holds no object')
        if (sameValue(wanted, live)) return await cli.io.out(`${subject}: edit cancelled, no changes made\n`)
        const patch = diffMerge(live, wanted as unknown as Record<string, unknown>)
        const metadata = { ...((patch.metadata as object | undefined) ?? {}), resourceVersion: live.metadata.resourceVersion }
        await patchObject(cluster.client, target.resource, target, 'merge', { ...patch, metadata }, { fieldManager: 'kubectl-edit' }).catch(
          async (error: unknown) => {
            throw await explainUnknownFields(cluster, wanted, error)
          },
        )
        return await cli.io.out(`${subject} edited\n`)
      } catch (error) {
        if (isConflict(error)) live = withoutManagedFields(await getObject(cluster.client, target.resource, target))
        else if (!(error instanceof ExitError) && !isInvalid(error) && !String(error).includes('unknown field')) throw error
        refusal = error
        reason = `${errorText(error)}\n`.replaceAll(/^/gm, '# ').replace(/# $/, '#\n')
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function openEditor(cli: Cli, file: string): Promise<void> {
  const editor = cli.io.env.KUBE_EDITOR || cli.io.env.VISUAL || cli.io.env.EDITOR || 'vi'
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0
        ? resolve()
        : reject(
            new ExitError(
              'failed',
              `the editor (${editor}) ended with code ${code}; nothing was changed. KUBE_EDITOR or EDITOR names another one`,
            ),
          ),
    )
  })
}
