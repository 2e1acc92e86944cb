import type { Condition } from '../../lib/api/condition.js'
import { shortDuration } from '../../lib/api/short-duration.js'
import { alignColumns } from '../print/align-columns.js'
import { escapeControls } from '../print/table.js'

/** A table of conditions; nothing when there are none. */
export function printConditions(conditions: readonly Condition[] | undefined, nowMs: number): string {
  if (!conditions || conditions.length === 0) return ''
  const rows = conditions.map((condition) => [
    `  ${condition.type}`,
    condition.status,
    condition.lastTransitionTime ? shortDuration(nowMs - Date.parse(condition.lastTransitionTime)) : '<unknown>',
    condition.reason ?? '',
    escapeControls(condition.message ?? ''),
  ])
  return `Conditions:\n${alignColumns([['  Type', 'Status', 'Since', 'Reason', 'Message'], ['  ----', '------', '-----', '------', '-------'], ...rows])}`
}
