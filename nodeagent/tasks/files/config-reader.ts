import { isNotFound } from '../../../lib/api/api-error.js'
import { ConfigMap } from '../../../lib/api/kinds/config-map.js'
import { Secret } from '../../../lib/api/kinds/secret.js'
import type { Client } from '../../../lib/client/client.js'
import { StepError } from '../../steps/step-error.js'

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
