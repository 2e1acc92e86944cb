/**
 * Manifests as people write them: YAML or JSON, many documents in a file, lists unpacked. YAML is read as kubectl reads it (`yes` is true,
 * 0644 is octal), and integers keep all their digits.
 */
import { parseAllDocuments, type Tags } from 'yaml'
import { inspectValue } from '../../lib/api/json/inspect-value.js'
import { hasComplexKey } from '../../lib/api/yaml-keys.js'
import { isYamlTooDeep } from '../../lib/api/yaml-nesting.js'
import { ExitError } from '../cli/exit-code.js'

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name?: string; generateName?: string; namespace?: string; annotations?: Record<string, string>; [field: string]: unknown }
  [field: string]: unknown
}

/** `source` names the file in messages. Throws ExitError('invalid'). */
export function decodeManifests(text: string, source: string): Manifest[] {
  if (isYamlTooDeep(text)) throw new ExitError('invalid', `${source} nests deeper than 64 levels`)
  const documents = parseAllDocuments(text, {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: plainTags,
    intAsBigInt: true,
    uniqueKeys: true,
  })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error) throw new ExitError('invalid', `${source} cannot be read: ${error.message.split('\n')[0]?.replace(/:$/, '')}`)
    if (hasComplexKey(document)) throw new ExitError('invalid', `${source} cannot be read: a key must be a plain word or number`)
    const value = exactNumbers(document.toJS({ maxAliasCount: 100 }))
    if (value === null || value === undefined) return []
    inspectValue(value)
    return unpack(value, source)
  })
}

/** Of YAML 1.1 only what Go's parser knows too: no clock times in base 60, no dates, no sets. */
function plainTags(tags: Tags): Tags {
  const dropped = new Set([
    'tag:yaml.org,2002:timestamp',
    'tag:yaml.org,2002:binary',
    'tag:yaml.org,2002:omap',
    'tag:yaml.org,2002:pairs',
    'tag:yaml.org,2002:set',
  ])
  return tags.filter((tag) => typeof tag === 'string' || (tag.format !== 'TIME' && !dropped.has(tag.tag)))
}

function unpack(value: unknown, source: string): Manifest[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ExitError('invalid', `${source} holds something that is not an object`)
  const object = value as Record<string, unknown>
  if (typeof object.kind === 'string' && object.kind.endsWith('List') && Array.isArray(object.items))
    return object.items.flatMap((item) => unpack(item, source))
  for (const field of ['apiVersion', 'kind'] as const)
    if (typeof object[field] !== 'string' || object[field] === '') throw new ExitError('invalid', `${source}: an object lacks ${field}`)
  const metadata = (object.metadata ?? {}) as Manifest['metadata']
  if (typeof metadata !== 'object' || Array.isArray(metadata)) throw new ExitError('invalid', `${source}: metadata must be a map`)
  return [{ ...object, apiVersion: object.apiVersion as string, kind: object.kind as string, metadata }]
}

/** Integers come as bigint: those that a number holds exactly become one. */
function exactNumbers(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(exactNumbers)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, exactNumbers(member)]))
}
