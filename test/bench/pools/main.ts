/** The controller of row 21, as a user would write and run it: `main.ts BUILD [flags]`. */
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { Pool } from './pool.js'

const [build = ''] = process.argv.splice(2, 1)
const built = (name: string) => import(pathToFileURL(path.join(build, 'dist/lib', name, 'index.js')).href)
const { ConfigMap } = (await built('api')) as typeof import('../../../lib/api/index.js')
const { controller, run } = (await built('controller')) as typeof import('../../../lib/controller/index.js')

const pools = controller({
  name: 'pools',
  for: Pool,
  owns: [ConfigMap],
  workers: 16,
  async reconcile(pool, ctx) {
    for (let slot = 0; slot < pool.spec.size; slot++)
      await ctx.apply(ConfigMap, { metadata: { name: `${pool.metadata.name}-${slot}` }, data: { slot: String(slot) } })
    await ctx.prune(ConfigMap)
    pool.status.ready = ctx.owned(ConfigMap).length
  },
})
await run(pools)
