// @ts-check
/** Lesson 5: ConfigMaps with a label go when their time has come. Plain JavaScript: node examples/05-plain-javascript/sweeper.js */
import { ConfigMap } from 'millrace/api'
import { controller, isMain, run } from 'millrace/controller'

const secondsAnnotation = 'example.com/keep-seconds'

export const sweeper = controller({
  name: 'sweeper',
  for: ConfigMap,
  labelSelector: 'example.com/sweep=true',
  rights: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['delete'] }],
  async reconcile(config, ctx) {
    const leftMs = goesAtMs(config) - ctx.clock.now()
    if (leftMs > 0) return { requeueAfter: `${leftMs}ms` }
    await ctx.delete(ConfigMap, config)
    ctx.event('Normal', 'Swept', 'its time had come')
    return {}
  },
})

/**
 * @param {Pick<import('millrace/api').Resource<typeof ConfigMap>, 'metadata'>} config
 * @returns {number} in milliseconds since 1970
 */
function goesAtMs({ metadata }) {
  return Date.parse(metadata.creationTimestamp) + 1000 * Number(metadata.annotations?.[secondsAnnotation] ?? 60)
}

if (isMain(import.meta)) await run(sweeper)
