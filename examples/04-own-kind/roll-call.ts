/** Lesson 4: a RollCall says which of the Tasks that it calls are ready. It owns none of them: it watches. */
import { defineKind, isConditionTrue, type LabelSelector, matchesLabels, parseLabelSelector, Task, t } from 'millrace/api'
import { controller, isMain, run, TerminalError, watch } from 'millrace/controller'

export const RollCall = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'RollCall',
  plural: 'rollcalls',
  shortNames: ['rc'],
  scope: 'Namespaced',
  description: 'Who is there, of those who are called.',
  spec: t.object({
    selector: t.string().describe('The labels of the Tasks, as tier=front.'),
    quorum: t.integer().describe('How many are enough.').with({ minimum: 1 }).default(1),
  }),
  status: t.object({
    called: t.integer().describe('How many Tasks have the labels.').optional(),
    present: t.integer().describe('How many of them are ready.').optional(),
    missing: t.set(t.string()).describe('The others.').optional(),
  }),
  conditions: ['Quorate', 'Complete'],
  columns: [
    { name: 'Called', type: 'integer', jsonPath: '.status.called' },
    { name: 'Present', type: 'integer', jsonPath: '.status.present' },
    { name: 'Quorate', jsonPath: '.status.conditions[?(@.type=="Quorate")].status' },
    { name: 'Missing', jsonPath: '.status.missing', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
})

export const rollCall = controller({
  for: RollCall,
  watches: [watch(Task, ({ metadata }, cache) => cache.list(RollCall, metadata.namespace).map((call) => call.metadata))],
  async reconcile(call, ctx) {
    const { selector, quorum } = call.spec
    let labels: LabelSelector
    try {
      labels = parseLabelSelector(selector)
    } catch (cause) {
      ctx.condition('Quorate', 'Unknown', 'BadSelector')
      // No retry mends it: the object is left alone until somebody changes it.
      throw new TerminalError('BadSelector', `spec.selector: ${(cause as Error).message}`, { cause })
    }
    const called = ctx.list(Task, call.metadata.namespace).filter(({ metadata }) => matchesLabels(labels, metadata.labels ?? {}))
    const missing = called.filter((task) => !isConditionTrue(task, 'Ready')).map(({ metadata }) => metadata.name)
    const present = called.length - missing.length
    Object.assign(call.status, { called: called.length, present, missing })
    ctx.condition('Quorate', present >= quorum, present >= quorum ? 'Enough' : 'TooFew', `${present} of ${quorum}`)
    ctx.condition('Complete', missing.length === 0, missing.length === 0 ? 'AllReady' : 'SomeMissing', missing.join(', '))
  },
})

if (isMain(import.meta)) await run(rollCall)
