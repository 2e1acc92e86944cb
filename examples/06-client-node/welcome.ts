/** Lesson 6: lesson 1 once more, with nothing but `@kubernetes/client-node`, Kubernetes' own client. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  ApiException,
  CoreV1Api,
  type Informer,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  type V1Namespace,
} from '@kubernetes/client-node'

/** Works until the signal aborts. */
export async function welcome(config: KubeConfig, signal: AbortSignal): Promise<void> {
  const core = config.makeApiClient(CoreV1Api)
  const objects = KubernetesObjectApi.makeApiClient(config)
  const namespaces = makeInformer(config, '/api/v1/namespaces', () => core.listNamespace())
  const configMaps = makeInformer(config, '/api/v1/configmaps', () => core.listConfigMapForAllNamespaces())
  const due = new Set<string>()
  const failures = new Map<string, number>()
  let wake = () => {}

  const add = (name: string | undefined) => {
    if (name !== undefined) due.add(name)
    wake()
  }
  const follow = <T extends KubernetesObject>(informer: Informer<T>, namesOf: (object: T) => string | undefined) => {
    for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, (object) => add(namesOf(object)))
    // It gives up after an error: starting it again is the author's business.
    informer.on('error', () => void sleep(1000).then(() => (signal.aborted ? undefined : informer.start())))
  }
  follow(namespaces, ({ metadata }) => metadata?.name)
  follow(configMaps, ({ metadata }) => (metadata?.name === 'welcome' ? metadata.namespace : undefined))

  const reconcile = async ({ metadata }: V1Namespace) => {
    const { name = '', uid = '', deletionTimestamp } = metadata ?? {}
    if (deletionTimestamp) return
    const text = `This is ${name}.`
    if (configMaps.get('welcome', name)?.data?.text === text) return
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Namespace', name, uid, controller: true, blockOwnerDeletion: true }]
    const wanted = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'welcome', namespace: name, ownerReferences }, data: { text } }
    await objects.patch(wanted, undefined, undefined, 'welcome', true, PatchStrategy.ServerSideApply)
  }

  signal.addEventListener('abort', () => wake())
  await Promise.all([namespaces.start(), configMaps.start()])
  while (!signal.aborted) {
    const [name] = due
    if (name === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      continue
    }
    due.delete(name)
    try {
      const namespace = namespaces.get(name)
      if (namespace) await reconcile(namespace)
      failures.delete(name)
    } catch (error) {
      const count = failures.get(name) ?? 0
      failures.set(name, count + 1)
      console.error(`${name}: ${error instanceof ApiException ? error.body : error}`)
      void sleep(Math.min(5 * 2 ** count, 1_000_000)).then(() => add(name))
    }
  }
  await Promise.all([namespaces.stop(), configMaps.stop()])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const config = new KubeConfig()
  config.loadFromDefault()
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  await welcome(config, stop.signal)
}
