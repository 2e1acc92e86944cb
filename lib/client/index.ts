/** `millrace/client`: how to talk to a cluster. */
export type {
  ApplyConfiguration,
  ApplyOptions,
  Client,
  DeleteOptions,
  KindClient,
  ListOptions,
  ObjectList,
  ObjectName,
  WriteOptions,
} from './client.js'
export { ConnectionError } from './client.js'
export type { ClientConfig } from './client-config.js'
export { type CreateClientOptions, createClient } from './create-client.js'
export * from './election/elect-leader.js'
export * from './events/event-recorder.js'
export {
  createInformer,
  type Informer,
  type InformerOptions,
  type Lister,
  type ObjectHandlers,
  startInformers,
} from './informer/informer.js'
export { KubeconfigError } from './kubeconfig/kubeconfig.js'
export { type LoadedKubeconfig, type LoadKubeconfigOptions, loadKubeconfig } from './kubeconfig/load-kubeconfig.js'
export * from './wait-until.js'
