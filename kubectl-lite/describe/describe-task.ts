import { backendOf, type Task, type TaskSpec } from '../../lib/api/kinds/task.js'
import { shortDuration } from '../../lib/api/short-duration.js'
import { printWords } from '../print/print-words.js'
import { printConditions } from './conditions.js'
import { headFields } from './head-fields.js'
import { type Field, fieldLines } from './text-block.js'

/** A Task in words: what was asked for, what is. */
export function describeTask(task: Task, nowMs: number): string {
  const { metadata, spec, status = {} } = task
  const ran = status.startedAt && Date.parse(status.finishedAt ?? new Date(nowMs).toISOString()) - Date.parse(status.startedAt)
  return [
    fieldLines([
      ...headFields(task, nowMs),
      ['Controlled By', metadata.ownerReferences?.filter((owner) => owner.controller).map((owner) => `${owner.kind}/${owner.name}`)[0]],
      ['Phase', status.phase ?? 'Pending'],
      ['Node', spec.nodeName ?? '<none>'],
      ...runLines(spec),
      ['GPUs', status.gpus?.join(', ')],
      [
        'Restart Policy',
        `${spec.restartPolicy}${status.restarts ? ` (${status.restarts} ${status.restarts === 1 ? 'restart' : 'restarts'})` : ''}`,
      ],
      ['On Node Lost', spec.onNodeLost],
      ['Deadline', spec.activeDeadlineSeconds === undefined ? undefined : `${spec.activeDeadlineSeconds}s`],
      ['Suspended', spec.suspend ? 'true' : undefined],
      ['Attempt', status.attempt ? String(status.attempt) : undefined],
      ['Started', status.startedAt],
      ['Finished', status.finishedAt],
      ['Ran', ran ? shortDuration(ran) : undefined],
      ['Exit Code', status.exitCode === undefined ? undefined : String(status.exitCode)],
      ['Signal', status.signal],
      ['Out Of Memory', status.oomKilled ? 'true' : undefined],
      ['Address', status.address],
    ]),
    printConditions(status.conditions, nowMs),
  ].join('')
}

/** What is run: the part of a Task that a template says too. */
export function runLines(spec: TaskSpec): Field[] {
  return [
    ['Backend', backendOf(spec)],
    ['Image', spec.image],
    ['Command', spec.command && printWords(spec.command)],
    ['Args', spec.args && printWords(spec.args)],
    ['Working Dir', spec.workingDir],
    ['Requests', amountsLine(spec.resources?.requests)],
    ['Limits', amountsLine(spec.resources?.limits)],
    ['Environment', environment(spec)],
    ['Volumes', volumes(spec)],
    ['Ports', portsLine(spec.ports)],
  ]
}

/** Amounts by name: `cpu=2, memory=4Gi`. */
export function amountsLine(list: Readonly<Record<string, string | number>> | undefined): string | undefined {
  const amounts = Object.entries(list ?? {}).map(([name, amount]) => `${name}=${amount}`)
  return amounts.length === 0 ? undefined : amounts.join(', ')
}

/** `80/TCP (web), 53/UDP` */
export function portsLine(ports: TaskSpec['ports']): string | undefined {
  return ports?.map(({ port, protocol, name }) => `${port}/${protocol}${name ? ` (${name})` : ''}`).join(', ')
}

/** Values that come from Secrets are named, never shown. */
function environment(spec: TaskSpec): string | undefined {
  const lines = [
    ...(spec.env ?? []).map(({ name, value, valueFrom }) => {
      const { secretKeyRef: secret, configMapKeyRef: map } = valueFrom ?? {}
      if (secret) return `${name}: <key ${secret.key} of secret ${secret.name}>`
      if (map) return `${name}: <key ${map.key} of config map ${map.name}>`
      return `${name}: ${value ?? ''}`
    }),
    ...(spec.envFrom ?? []).map(({ prefix = '', secretRef, configMapRef }) =>
      secretRef ? `${prefix}*: <all keys of secret ${secretRef.name}>` : `${prefix}*: <all keys of config map ${configMapRef?.name ?? ''}>`,
    ),
  ]
  return lines.length === 0 ? undefined : lines.join('\n')
}

function volumes(spec: TaskSpec): string | undefined {
  const lines = (spec.volumes ?? []).map((volume) => {
    const source = volume.secret
      ? `secret ${volume.secret.secretName}`
      : volume.configMap
        ? `config map ${volume.configMap.name}`
        : volume.hostPath
          ? `host path ${volume.hostPath.path}`
          : 'empty directory'
    const mounts = (spec.volumeMounts ?? [])
      .filter((mount) => mount.name === volume.name)
      .map((mount) => mount.mountPath ?? `$MILLRACE_VOLUMES/${mount.name}`)
    return `${volume.name}: ${source}${mounts.length > 0 ? ` at ${mounts.join(', ')}` : ''}`
  })
  return lines.length === 0 ? undefined : lines.join('\n')
}
