import type { Condition } from '../../lib/api/condition.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { shortDuration } from '../../lib/api/short-duration.js'
import { printYaml, withoutManagedFields } from '../print/print-object.js'
import { escapeControls } from '../print/table.js'
import { printConditions } from './conditions.js'
import { fieldLines, keyLines } from './text-block.js'

/** Any object in words: what every object has, then the rest as YAML. Values of Secrets are counted, not shown. */
export async function describeAny(object: KubeObject, nowMs: number): Promise<string> {
  const { metadata, apiVersion, kind, status, ...rest } = withoutManagedFields(object)
  const { conditions, ...state } = (status ?? {}) as { conditions?: Condition[] }
  const secret = kind === 'Secret' && apiVersion === 'v1'
  const body = secret ? { ...rest, data: sizes(rest.data), stringData: undefined } : rest
  const head = fieldLines([
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Kind', `${kind} (${apiVersion})`],
    ['Labels', keyLines(metadata.labels)],
    ['Annotations', keyLines(metadata.annotations)],
    ['Created', `${metadata.creationTimestamp} (${shortDuration(nowMs - Date.parse(metadata.creationTimestamp))} ago)`],
    ['Deletion', metadata.deletionTimestamp ? `asked for at ${metadata.deletionTimestamp}` : undefined],
    ['Finalizers', metadata.finalizers?.join(', ')],
    ['Owners', metadata.ownerReferences?.map((owner) => `${owner.kind}/${owner.name}`).join(', ')],
  ])
  const parts = { ...body, ...(Object.keys(state).length > 0 ? { status: state } : {}) }
  const yaml = Object.values(parts).some((part) => part !== undefined) ? await printYaml(parts) : ''
  return head + escapeLines(yaml) + printConditions(conditions, nowMs)
}

function sizes(data: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries((data ?? {}) as Record<string, string>).map(([key, value]) => [key, `${Buffer.from(value, 'base64').length} bytes`]),
  )
}

function escapeLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n')
}
