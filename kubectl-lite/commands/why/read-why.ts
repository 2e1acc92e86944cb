import type { Cluster } from '../../cluster/cluster.js'
import { createProcedures, unwrapProcedureError } from '../../cluster/procedures.js'
import type { Target } from '../../cluster/target-objects.js'
import { escapeControls } from '../../print/table.js'

/** The server's answer to why an object is as it is. */
export async function readWhy(cluster: Cluster, target: Target) {
  const { resource, namespace, name } = target
  try {
    return await createProcedures(cluster).why.query({ group: resource.group, resource: resource.plural, namespace: namespace ?? '', name })
  } catch (error) {
    throw unwrapProcedureError(error)
  }
}

export type Why = Awaited<ReturnType<typeof readWhy>>

/** In words: what is desired, what is, and what stands between; with `all`, everything else that is known too. */
export function printWhy(why: Why, all = false): string {
  const reasons = why.reasons.filter((reason) => all || reason.isObstacle)
  const subject = `${why.kind} ${why.namespace === '' ? '' : `${why.namespace}/`}${why.name}`
  const lines = [
    `Desired:  ${why.desired}`,
    `Actual:   ${why.actual}`,
    `Because:  ${reasons.length === 0 ? (why.isSettled ? 'nothing stands between the two' : 'no reason is known') : ''}`.trimEnd(),
    ...reasons.map((reason) => {
      const about = reason.about === subject ? '' : `${reason.about}: `
      return `  ${reason.isObstacle ? '!' : '-'} ${about}${reason.text}${all && reason.source === 'log' && reason.time ? ` at ${reason.time}` : ''}`
    }),
    ...(why.hidden.length === 0 ? [] : [`  ? you may not read: ${why.hidden.join(', ')}`]),
  ]
  return lines.map((line) => `${escapeControls(line)}\n`).join('')
}
