/** Lesson 3: a Folder stands for a directory of this machine. It goes only when the directory is gone. */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { defineKind, type Resource, t } from 'millrace/api'
import { controller, isMain, run } from 'millrace/controller'

export const Folder = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Folder',
  plural: 'folders',
  scope: 'Namespaced',
  description: 'A directory of the machine that the controller runs on.',
  status: t.object({ path: t.string().describe('Where it is.') }),
  conditions: ['Ready'],
})

/** `root`: where the directories are made. */
export function folderController(root: string) {
  const placeOf = ({ metadata }: Pick<Resource<typeof Folder>, 'metadata'>) => path.join(root, `${metadata.namespace}.${metadata.name}`)
  return controller({
    for: Folder,
    async reconcile(folder, ctx) {
      folder.status.path = placeOf(folder)
      await mkdir(folder.status.path, { recursive: true })
      ctx.condition('Ready', true, 'Made')
    },
    async finalize(folder, ctx) {
      await rm(placeOf(folder), { recursive: true, force: true })
      ctx.log.info('removed')
    },
  })
}

export const folder = folderController(path.resolve('folders'))

if (isMain(import.meta)) await run(folder)
