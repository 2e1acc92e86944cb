import { type Kubeconfig, KubeconfigError } from './kubeconfig.js'
import { readPlainYaml } from './plain-yaml.js'

const maxBytes = 1024 * 1024

/** Reads the text of a kubeconfig, YAML or JSON. `name` is what messages call it. */
export async function parseKubeconfig(text: string, name: string): Promise<Kubeconfig> {
  if (text.length > maxBytes) throw new KubeconfigError(`${name} is larger than 1 MiB: that is no kubeconfig`)
  if (text.trim() === '') return {}
  const value = readPlainYaml(text) ?? (await parseYaml(text, name))
  assertKubeconfig(value, name)
  return value
}

async function parseYaml(text: string, name: string): Promise<unknown> {
  const [{ parseDocument }, { isYamlTooDeep }, { hasComplexKey }] = await Promise.all([
    import('yaml'),
    import('../../api/yaml-nesting.js'),
    import('../../api/yaml-keys.js'),
  ])
  if (isYamlTooDeep(text)) throw new KubeconfigError(`${name} nests deeper than 64 levels: that is no kubeconfig`)
  try {
    const document = parseDocument(text, { logLevel: 'error' })
    const [error] = document.errors
    if (error) throw error
    if (hasComplexKey(document)) throw new Error('a key must be a plain word')
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // The parser quotes the line, which may hold a key or a token: only what stands before the quotation is passed on.
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new KubeconfigError(`${name} is not valid YAML: ${reason?.replace(/:$/, '')}`)
  }
}

function assertKubeconfig(value: unknown, name: string): asserts value is Kubeconfig {
  if (!isMap(value)) throw new KubeconfigError(`${name} is not a kubeconfig: it holds no map`)
  if (value.kind !== undefined && value.kind !== 'Config')
    throw new KubeconfigError(`${name} is not a kubeconfig: its kind is ${String(value.kind)}`)
  for (const [field, member] of Object.entries({ clusters: 'cluster', users: 'user', contexts: 'context' })) {
    const list = value[field]
    if (list === undefined) continue
    if (list === null) {
      delete value[field]
      continue
    }
    if (!Array.isArray(list)) throw new KubeconfigError(`${name}: ${field} must be a list`)
    for (const [index, entry] of list.entries()) {
      if (!isMap(entry) || typeof entry.name !== 'string') throw new KubeconfigError(`${name}: ${field}[${index}] has no name`)
      entry[member] ??= {}
      const inner = entry[member]
      if (!isMap(inner)) throw new KubeconfigError(`${name}: ${field}[${index}].${member} must be a map`)
      assertScalars(inner, `${name}: ${field}[${index}].${member}`)
    }
  }
  if (value['current-context'] === null) delete value['current-context']
  if (value['current-context'] !== undefined && typeof value['current-context'] !== 'string') {
    throw new KubeconfigError(`${name}: current-context must be a name`)
  }
}

const texts = [
  'server',
  'certificate-authority',
  'certificate-authority-data',
  'tls-server-name',
  'proxy-url',
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
  'token',
  'tokenFile',
  'username',
  'password',
  'cluster',
  'user',
  'namespace',
]

function assertScalars(entry: Record<string, unknown>, path: string): void {
  for (const field of texts) {
    if (entry[field] === null) delete entry[field]
    else if (entry[field] !== undefined && typeof entry[field] !== 'string') throw new KubeconfigError(`${path}.${field} must be a text`)
  }
  const skip = entry['insecure-skip-tls-verify']
  if (skip !== undefined && typeof skip !== 'boolean') throw new KubeconfigError(`${path}.insecure-skip-tls-verify must be true or false`)
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
