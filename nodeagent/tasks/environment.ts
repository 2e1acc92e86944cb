import type { Task } from '../../lib/api/kinds/task.js'
import { StepError } from '../steps/step-error.js'
import type { ConfigReader } from './files/config-reader.js'

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
