import type { Vps } from '../../lib/api/kinds/vps.js'
import { findTimeZone } from '../../lib/api/schedule/time-zone.js'
import { printWords } from '../print/print-words.js'
import { printConditions } from './conditions.js'
import { amountsLine, portsLine } from './describe-task.js'
import { headFields } from './head-fields.js'
import { printTime } from './print-time.js'
import { fieldLines } from './text-block.js'

/** A Vps in words: what was asked for, what is. */
export function describeVps(vps: Vps, nowMs: number): string {
  const { spec, status = {} } = vps
  const policy = spec.snapshotPolicy
  return [
    fieldLines([
      ...headFields(vps, nowMs),
      ['Phase', `${status.phase ?? 'Pending'}${spec.running ? '' : ' (is not to run)'}`],
      ['Node', spec.nodeName ?? '<none>'],
      ['Backend', spec.backend],
      ['Image', spec.image],
      ['Command', spec.command && printWords(spec.command)],
      ['Requests', amountsLine(spec.resources?.requests)],
      ['Limits', amountsLine(spec.resources?.limits)],
      ['Runs With', amountsLine(status.resources)],
      ['Firmware', spec.firmware],
      ['Disk', spec.diskSize === undefined ? undefined : String(spec.diskSize)],
      ['GPUs', status.gpus?.join(', ')],
      ['Address', status.address],
      ['Address Claim', spec.addressClaim],
      ['Ports', portsLine(spec.ports)],
      ['SSH', spec.ssh.mode === 'disabled' ? 'disabled' : `${spec.ssh.mode}: ${status.sshCommand ?? 'no gateway has said how yet'}`],
      ['SSH Keys', spec.ssh.authorizedKeys?.map((line) => line.split(' ').slice(2).join(' ') || line.slice(0, 24)).join(', ')],
      ['Snapshots', policy && policyLine(policy)],
      ['Next Snapshot', policy?.schedule && nextSnapshot(vps, nowMs)],
      ['Restored From', status.restoredFrom?.name],
      ['Started', status.startedAt],
      ['Stopped', status.phase === 'Stopped' ? status.stoppedAt : undefined],
      ['Starts', status.starts === undefined ? undefined : String(status.starts)],
    ]),
    printConditions(status.conditions, nowMs),
  ].join('')
}

type SnapshotPolicy = NonNullable<Vps['spec']['snapshotPolicy']>

function policyLine({ keep, onStop, schedule, timeZone }: SnapshotPolicy): string {
  return `keeps ${keep}${onStop ? ', one at each stop' : ''}${schedule ? `, ${schedule} (${timeZone ?? 'UTC'})` : ''}`
}

/** By the wall clocks of the policy's zone. */
function nextSnapshot({ spec, status }: Vps, nowMs: number): string {
  const next = status?.snapshots?.nextScheduleTime
  const zone = findTimeZone(spec.snapshotPolicy?.timeZone ?? 'UTC')
  return next && zone ? printTime(Date.parse(next), zone, nowMs) : '<none>'
}
