import type { ClientConfig, Impersonation, PemSource } from '../client-config.js'
import { type Kubeconfig, type KubeconfigCluster, KubeconfigError, type KubeconfigUser } from './kubeconfig.js'

/** Which context to take, and what to put in place of what it says. */
export interface ContextChoice {
  readonly context?: string | undefined
  readonly cluster?: string | undefined
  readonly user?: string | undefined
  readonly namespace?: string | undefined
  readonly impersonate?: Impersonation | undefined
}

export interface ResolvedContext {
  readonly contextName: string
  /** Its entry in `users`, or nothing. */
  readonly userName: string
  readonly config: ClientConfig
}

/** The cluster, user and namespace of a context as a client needs them. File names in it must be absolute. */
export function resolveContext(file: Kubeconfig, choice: ContextChoice = {}): ResolvedContext {
  const contextName = choice.context ?? file['current-context']
  if (!contextName)
    throw new KubeconfigError(`the kubeconfig names no current context: choose one with --context (${names(file.contexts)})`)
  const context = find(file.contexts, contextName, 'context').context
  const clusterName = choice.cluster ?? context.cluster ?? ''
  const userName = choice.user ?? context.user ?? ''
  const { cluster } = find(file.clusters, clusterName, `cluster of the context ${contextName}:`)
  const user = userName === '' ? {} : find(file.users, userName, `user of the context ${contextName}:`).user
  refuseUnsupported(cluster, clusterName, user, userName)
  if (!cluster.server) throw new KubeconfigError(`the cluster ${clusterName} has no server`)
  return {
    contextName,
    userName,
    config: {
      server: cluster.server,
      namespace: choice.namespace ?? context.namespace ?? 'default',
      ca: pem(
        cluster['certificate-authority-data'],
        cluster['certificate-authority'],
        `certificate-authority-data of the cluster ${clusterName}`,
      ),
      certificate: pem(user['client-certificate-data'], user['client-certificate'], `client-certificate-data of the user ${userName}`),
      key: pem(user['client-key-data'], user['client-key'], `client-key-data of the user ${userName}`),
      token: user.token,
      tokenFile: user.tokenFile,
      impersonate: choice.impersonate ?? impersonationOf(user),
      insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'],
      tlsServerName: cluster['tls-server-name'],
    },
  }
}

function impersonationOf(user: KubeconfigUser): Impersonation | undefined {
  return user.as ? { user: user.as, groups: user['as-groups'], uid: user['as-uid'] } : undefined
}

function refuseUnsupported(cluster: KubeconfigCluster, clusterName: string, user: KubeconfigUser, userName: string): void {
  const refuse = (what: string, instead: string) => {
    throw new KubeconfigError(`${what}, which Millrace does not support: ${instead}`)
  }
  const instead = 'use a client certificate, a token or a tokenFile'
  if (user.exec !== undefined) refuse(`the user ${userName} gets its credentials from a program (exec)`, instead)
  if (user['auth-provider'] !== undefined) refuse(`the user ${userName} gets its credentials from an auth-provider`, instead)
  if (user.username !== undefined || user.password !== undefined) refuse(`the user ${userName} has a name and a password`, instead)
  if (cluster['proxy-url'] !== undefined)
    refuse(`the cluster ${clusterName} is reached through a proxy (proxy-url)`, 'give an address that can be reached directly')
}

function find<Entry extends { name: string }>(entries: readonly Entry[] | undefined, name: string, what: string): Entry {
  const found = entries?.find((entry) => entry.name === name)
  if (!found) throw new KubeconfigError(`the kubeconfig has no ${what} ${name || '(no name given)'}: it has ${names(entries)}`)
  return found
}

function names(entries: readonly { name: string }[] | undefined): string {
  return entries && entries.length > 0 ? entries.map(({ name }) => name).join(', ') : 'none'
}

/** Data wins over the file, as in kubectl. */
function pem(data: string | undefined, file: string | undefined, what: string): PemSource | undefined {
  if (data !== undefined && data !== '') {
    if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(data)) throw new KubeconfigError(`${what} is not base64`)
    return { data: Buffer.from(data, 'base64').toString('utf8') }
  }
  return file === undefined || file === '' ? undefined : { file }
}
