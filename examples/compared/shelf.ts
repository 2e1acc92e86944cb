/** The controller that docs/guides/controllers.md compares: children, status, condition, and something outside that a finalizer cleans. */
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { ConfigMap, defineKind, t } from 'millrace/api'
import { controller, isMain, run } from 'millrace/controller'

export const Shelf = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Shelf',
  plural: 'shelves',
  scope: 'Namespaced',
  description: 'Cards, and a directory for them.',
  spec: t.object({ cards: t.integer().describe('How many there shall be.').with({ minimum: 0 }) }),
  status: t.object({ cards: t.integer().describe('How many there are.').optional() }),
  conditions: ['Ready'],
})

/** `root`: where the directories are made. */
export function shelfController(root: string) {
  return controller({
    for: Shelf,
    owns: [ConfigMap],
    async reconcile(shelf, ctx) {
      await mkdir(path.join(root, shelf.metadata.uid), { recursive: true })
      for (let card = 0; card < shelf.spec.cards; card++)
        await ctx.apply(ConfigMap, { metadata: { name: `${shelf.metadata.name}-${card}` }, data: { card: String(card) } })
      await ctx.prune(ConfigMap)
      shelf.status.cards = shelf.spec.cards
      ctx.condition('Ready', true, 'AllThere', `${shelf.spec.cards} cards`)
    },
    async finalize(shelf) {
      await rm(path.join(root, shelf.metadata.uid), { recursive: true, force: true })
    },
  })
}

if (isMain(import.meta)) await run(shelfController(path.resolve('shelves')))
