import type { Vps } from '../../lib/api/kinds/vps.js'
import { shortDuration } from '../../lib/api/short-duration.js'
import { printWords } from '../print/print-words.js'
import { printConditions } from './conditions.js'
import { amountsLine } from './describe-task.js'
import { fieldLines, keyLines } from './text-block.js'

/** A Vps in words: what was asked for, what is. */
export function describeVps({ metadata, spec, status = {} }: Vps, nowMs: number): string {
  const policy = spec.snapshotPolicy
  return [
    fieldLines([
      ['Name', metadata.name],
      ['Namespace', metadata.namespace],
      ['Labels', keyLines(metadata.labels)],
      ['Annotations', keyLines(metadata.annotations)],
      ['Created', `${metadata.creationTimestamp} (${shortDuration(nowMs - Date.parse(metadata.creationTimestamp))} ago)`],
      [
        'Deletion',
        metadata.deletionTimestamp
          ? `asked for at ${metadata.deletionTimestamp}; waits for ${metadata.finalizers?.join(', ') || 'nothing'}`
          : undefined,
      ],
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
      ['Ports', spec.ports?.map(({ port, protocol, name }) => `${port}/${protocol}${name ? ` (${name})` : ''}`).join(', ')],
      ['SSH', spec.ssh.mode === 'disabled' ? 'disabled' : `${spec.ssh.mode}: ${status.sshCommand ?? 'no gateway has said how yet'}`],
      ['SSH Keys', spec.ssh.authorizedKeys?.map((line) => line.split(' ').slice(2).join(' ') || line.slice(0, 24)).join(', ')],
      [
        'Snapshots',
        policy && `keeps ${policy.keep}${policy.onStop ? ', one at each stop' : ''}${policy.schedule ? `, ${policy.schedule}` : ''}`,
      ],
      ['Restored From', status.restoredFrom?.name],
      ['Started', status.startedAt],
      ['Stopped', status.phase === 'Stopped' ? status.stoppedAt : undefined],
      ['Starts', status.starts === undefined ? undefined : String(status.starts)],
    ]),
    printConditions(status.conditions, nowMs),
  ].join('')
}
