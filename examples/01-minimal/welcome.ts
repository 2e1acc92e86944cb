/** Lesson 1: every namespace has a ConfigMap that says where one is. */
import { ConfigMap, Namespace } from 'millrace/api'
import { controller, isMain, run } from 'millrace/controller'

export const welcome = controller({
  name: 'welcome',
  for: Namespace,
  owns: [ConfigMap],
  async reconcile({ metadata: { name } }, ctx) {
    await ctx.apply(ConfigMap, { metadata: { name: 'welcome', namespace: name }, data: { text: `This is ${name}.` } })
  },
})

if (isMain(import.meta)) await run(welcome)
