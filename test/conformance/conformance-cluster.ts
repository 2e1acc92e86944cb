import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import type { PemSource } from '../../lib/client/client-config.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { startCluster } from '../processes/cluster.js'
import { createOwner } from '../processes/owner.js'

/** As much of a kubeconfig as is looked at here. */
export interface Kubeconfig {
  readonly contexts: readonly { readonly name: string; readonly context: object }[]
  readonly [field: string]: unknown
}

/** A cluster that kubectl is tried on, and where its users may keep their files. */
export interface ConformanceCluster {
  readonly directory: string
  /** The administrator's. */
  readonly kubeconfig: Kubeconfig
  end(): Promise<void>
}

/** The API server alone, in this process: for all that no controller and no node has a part in. */
export async function startApiServerAlone(): Promise<ConformanceCluster & { readonly server: TestCluster }> {
  const owner = createOwner('conformance')
  const server = await testCluster({ tls: true })
  owner.defer(() => server.close())
  return { directory: owner.directory, kubeconfig: kubeconfigOf(server), server, end: () => owner.end() }
}

/** Every program, as users start them, with a node that runs processes, and with hollow ones where that is asked for. */
export async function startWholeCluster({ hollowNodes = 0 } = {}): Promise<ConformanceCluster> {
  const owner = createOwner('conformance')
  try {
    const { kubeconfig } = await startCluster(owner, { backends: 'process', hollowNodes })
    return {
      directory: path.join(owner.directory, 'users'),
      kubeconfig: parse(readFileSync(kubeconfig, 'utf8')),
      end: () => owner.end(),
    }
  } catch (error) {
    await owner.end()
    throw error
  }
}

function kubeconfigOf({ admin }: TestCluster): Kubeconfig {
  const base64 = (source: PemSource | undefined) => Buffer.from(source && 'data' in source ? source.data : '').toString('base64')
  const cluster = { server: admin.server, 'certificate-authority-data': base64(admin.ca) }
  const user = { 'client-certificate-data': base64(admin.certificate), 'client-key-data': base64(admin.key) }
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'millrace', cluster }],
    users: [{ name: 'admin', user }],
    contexts: [{ name: 'millrace', context: { cluster: 'millrace', user: 'admin' } }],
    'current-context': 'millrace',
  }
}
