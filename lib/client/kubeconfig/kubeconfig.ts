/** A kubeconfig file as it stands in YAML. Fields that Millrace does not know stay as they are. */
export interface Kubeconfig {
  apiVersion?: string
  kind?: string
  'current-context'?: string
  clusters?: { name: string; cluster: KubeconfigCluster }[]
  users?: { name: string; user: KubeconfigUser }[]
  contexts?: { name: string; context: KubeconfigContext }[]
  [field: string]: unknown
}

export interface KubeconfigCluster {
  server?: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
  'insecure-skip-tls-verify'?: boolean
  'tls-server-name'?: string
  'proxy-url'?: string
  [field: string]: unknown
}

export interface KubeconfigUser {
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  token?: string
  tokenFile?: string
  as?: string
  'as-groups'?: string[]
  'as-uid'?: string
  username?: string
  password?: string
  exec?: unknown
  'auth-provider'?: unknown
  [field: string]: unknown
}

export interface KubeconfigContext {
  cluster?: string
  user?: string
  namespace?: string
  [field: string]: unknown
}

/** A kubeconfig that cannot be used. The message says which file, what is wrong and what to do. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError'
}
