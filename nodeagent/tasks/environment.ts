import { isNotFound } from '../../lib/api/api-error.js'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { Secret } from '../../lib/api/kinds/secret.js'
import type { Task } from '../../lib/api/kinds/task.js'
import type { Client } from '../../lib/client/client.js'
import { StepError } from '../steps/step-error.js'

/** The values of a Secret or ConfigMap, by key. */
export type ConfigValues = Readonly<Record<string, Buffer>>

/** Reads Secrets and ConfigMaps of one task's namespace, each once. */
export interface ConfigReader {
  /** Undefined when there is no such object and it is optional; otherwise its absence is a StepError that names it. */
  secret(name: string, optional: boolean): Promise<ConfigValues | undefined>
  configMap(name: string, optional: boolean): Promise<ConfigValues | undefined>
}

export function createConfigReader(client: Client, namespace: string, signal: AbortSignal): ConfigReader {
  const read = new Map<string, Promise<ConfigValues | undefined>>()
  const once = (key: string, get: () => Promise<ConfigValues>) => {
    const known = read.get(key)
    if (known) return known
    const values = get().catch((error) => {
      if (isNotFound(error)) return undefined
      throw error
    })
    read.set(key, values)
    return values
  }
  const required = async (what: string, name: string, optional: boolean, values: Promise<ConfigValues | undefined>) => {
    const found = await values
    if (!found && !optional) throw new StepError('ConfigMissing', `${what} "${name}" is not there`, true)
    return found
  }
  return {
    secret: (name, optional) =>
      required(
        'the Secret',
        name,
        optional,
        once(`secret/${name}`, async () => decode((await client.of(Secret).get({ namespace, name }, { signal })).data)),
      ),
    configMap: (name, optional) =>
      required(
        'the ConfigMap',
        name,
        optional,
        once(`configMap/${name}`, async () => {
          const { data, binaryData } = await client.of(ConfigMap).get({ namespace, name }, { signal })
          const texts = Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const)
          return { ...Object.fromEntries(texts), ...decode(binaryData) }
        }),
      ),
  }
}

function decode(values: Readonly<Record<string, string>> | undefined): ConfigValues {
  return Object.fromEntries(Object.entries(values ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]))
}

const variableName = /^[A-Za-z_][A-Za-z0-9_.-]*$/

/** The environment that the spec asks for: envFrom in order, then env, later ones winning. Nothing of the agent's own. */
export async function resolveEnvironment(spec: Task['spec'], config: ConfigReader): Promise<Record<string, string>> {
  const env = new Map<string, string>()
  for (const source of spec.envFrom ?? []) {
    const values = source.secretRef
      ? await config.secret(source.secretRef.name, source.secretRef.optional)
      : source.configMapRef
        ? await config.configMap(source.configMapRef.name, source.configMapRef.optional)
        : undefined
    // Keys that cannot be variables are left out, as Kubernetes does.
    for (const [key, value] of Object.entries(values ?? {})) {
      const name = `${source.prefix ?? ''}${key}`
      if (variableName.test(name)) env.set(name, textOf(value, `the key "${key}"`))
    }
  }
  for (const { name, value, valueFrom } of spec.env ?? []) {
    if (!valueFrom) {
      env.set(name, value ?? '')
      continue
    }
    const found = await keyValue(valueFrom, config)
    if (found !== undefined) env.set(name, textOf(found, `the variable ${name}`))
  }
  return Object.fromEntries(env)
}

type ValueSource = NonNullable<NonNullable<Task['spec']['env']>[number]['valueFrom']>

async function keyValue({ secretKeyRef, configMapKeyRef }: ValueSource, config: ConfigReader): Promise<Buffer | undefined> {
  const ref = secretKeyRef ?? configMapKeyRef
  if (!ref) return undefined
  const values = secretKeyRef ? await config.secret(ref.name, ref.optional) : await config.configMap(ref.name, ref.optional)
  const value = values?.[ref.key]
  if (value === undefined && !ref.optional)
    throw new StepError('ConfigMissing', `the ${secretKeyRef ? 'Secret' : 'ConfigMap'} "${ref.name}" has no key "${ref.key}"`, true)
  return value
}

/** An environment holds no NUL characters. The value itself is never shown: it may be secret. */
function textOf(value: Buffer, what: string): string {
  if (value.includes(0)) throw new StepError('ConfigMissing', `${what} holds a NUL character, which no environment can`, true)
  return value.toString()
}
