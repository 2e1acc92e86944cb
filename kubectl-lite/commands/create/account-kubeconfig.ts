import { readFileSync } from 'node:fs'
import { ServiceAccount } from '../../../lib/api/kinds/service-account.js'
import { TokenRequest } from '../../../lib/api/kinds/token-request.js'
import type { ClientConfig } from '../../../lib/client/client-config.js'
import type { Kubeconfig } from '../../../lib/client/kubeconfig/kubeconfig.js'
import { readKubeconfigFile } from '../../../lib/client/kubeconfig/load-kubeconfig.js'
import { writeKubeconfig } from '../../../lib/client/kubeconfig/write-kubeconfig.js'
import { resourcePath } from '../../../lib/client/resource-path.js'
import { UsageError } from '../../cli/exit-code.js'
import type { Cluster } from '../../cluster/cluster.js'
import type { AccountName } from './account-objects.js'

/** Throws where the file is there and is no kubeconfig of this account: nothing of somebody else's is overwritten. */
export async function assertReplaceable(file: string, account: AccountName): Promise<void> {
  const present = await readKubeconfigFile(file)
  if (!present) return
  const [user, ...others] = present.users ?? []
  if (others.length > 0 || user?.name !== userName(account))
    throw new UsageError(`${file} exists and is not the kubeconfig of ${userName(account)}: name another file with --kubeconfig-out`)
}

/**
 * Writes a kubeconfig (0600) with which a program is this ServiceAccount.
 * Resolves with the time at which its token ends, unless it renews it.
 */
export async function writeAccountKubeconfig(cluster: Cluster, account: AccountName, lifeMs: number, file: string): Promise<string> {
  const path = resourcePath(ServiceAccount, { ...account, subresource: 'token' })
  const spec = { expirationSeconds: Math.floor(lifeMs / 1000) }
  const answer = await cluster.client.raw({
    method: 'POST',
    path,
    body: { apiVersion: TokenRequest.apiVersion, kind: TokenRequest.kind, spec },
  })
  const { status } = JSON.parse(await answer.text()) as TokenRequest
  await writeKubeconfig(file, kubeconfigOf(cluster.config, account, status?.token ?? ''))
  return status?.expirationTimestamp ?? ''
}

function kubeconfigOf(config: ClientConfig, account: AccountName, token: string): Kubeconfig {
  const { server, ca, tlsServerName, insecureSkipTlsVerify } = config
  const pem = ca && ('data' in ca ? ca.data : readFileSync(ca.file, 'utf8'))
  const cluster = {
    server,
    ...(pem === undefined ? {} : { 'certificate-authority-data': Buffer.from(pem).toString('base64') }),
    ...(tlsServerName === undefined ? {} : { 'tls-server-name': tlsServerName }),
    ...(insecureSkipTlsVerify ? { 'insecure-skip-tls-verify': true } : {}),
  }
  const user = userName(account)
  return {
    'current-context': account.name,
    clusters: [{ name: 'millrace', cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: account.name, context: { cluster: 'millrace', user, namespace: account.namespace } }],
  }
}

const userName = ({ namespace, name }: AccountName) => `${namespace}:${name}`
