/** A watch that lives longer than the token that it began with. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isUnauthorized } from '../../api/api-error.js'
import { Role } from '../../api/kinds/role.js'
import { RoleBinding } from '../../api/kinds/role-binding.js'
import { ServiceAccount } from '../../api/kinds/service-account.js'
import { Task } from '../../api/kinds/task.js'
import { eventually } from '../../testing/eventually.js'
import { type TestCluster, testCluster } from '../../testing/test-cluster.js'
import { createClient } from '../create-client.js'
import { createInformer } from '../informer/informer.js'
import { loadKubeconfig } from '../kubeconfig/load-kubeconfig.js'

const namespace = 'default'
const minuteMs = 60_000

let cluster: TestCluster
let folder: string
beforeEach(async () => {
  cluster = await testCluster()
  folder = mkdtempSync(join(tmpdir(), 'token-'))
  const metadata = { name: 'robot', namespace }
  await cluster.client.of(ServiceAccount).create({ metadata })
  const rules = [
    { apiGroups: ['millrace.dev'], resources: ['tasks'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: ['robot'], verbs: ['create'] },
  ]
  await cluster.client.of(Role).create({ metadata, rules })
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'robot' } as const
  await cluster.client.of(RoleBinding).create({ metadata, roleRef, subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace }] })
})
afterEach(async () => {
  await cluster.close()
  rmSync(folder, { recursive: true })
})

/** Of ten minutes. */
async function requestToken(): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/robot/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } }
  const answer = await cluster.client.raw({ method: 'POST', path, body })
  return (JSON.parse(await answer.text()) as { status: { token: string } }).status.token
}

function writeKubeconfig(token: string): string {
  const file = join(folder, 'robot.kubeconfig')
  const text = `# Given to the robot in spring.
apiVersion: v1
kind: Config
current-context: robot
clusters:
  - name: here
    cluster: {server: '${cluster.url}', certificate-authority: pki/ca.crt} # beside this file
contexts:
  - name: robot
    context: {cluster: here, user: robot, namespace: ${namespace}}
users:
  - name: other
    user: {token: another}
  - name: robot
    user:
      token: ${token}
      note: stays
`
  writeFileSync(file, text, { mode: 0o644 })
  writeFileSync(join(folder, 'ca.crt'), '')
  return file
}

const tokenIn = (file: string) => /token: (eyJ\S+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? ''

it('goes on when that token has ended, and the kubeconfig has the next one', async () => {
  const first = await requestToken()
  const file = writeKubeconfig(first)
  const before = readFileSync(file, 'utf8')
  const { config } = await loadKubeconfig({ env: {}, home: folder, kubeconfig: file })
  const warnings: string[] = []
  const { ca: _ca, ...plain } = config
  const client = createClient(plain, { clock: cluster.clock, onWarning: (text) => warnings.push(text) })
  const stop = new AbortController()
  try {
    const informer = createInformer(client, Task, { namespace })
    const failures: unknown[] = []
    const onFailure = (error: unknown) => failures.push(error)
    const ended = informer.start(stop.signal, { backoff: { initialMs: 5, maxMs: 50 }, onFailure })
    await informer.synced()

    await eventually(() => cluster.clock.timers > 0)
    await cluster.clock.advance(6 * minuteMs)
    const second = await eventually(() => tokenIn(file) !== first && tokenIn(file))
    expect(readFileSync(file, 'utf8').replace(second, first)).toBe(before)
    expect(statSync(file).mode & 0o777).toBe(0o600)

    // The server looks at open watches again, finds the first token ended, and ends them.
    await cluster.clock.advance(5 * minuteMs)
    await eventually(() => failures.length > 0)
    const asBefore = createClient({ ...plain, token: first, tokenPlace: undefined }, { renewToken: false })
    await expect(asBefore.of(Task).list({ namespace })).rejects.toSatisfy(isUnauthorized)
    await asBefore.close()
    await cluster.client.of(Task).create({ metadata: { name: 'late', namespace }, spec: { command: ['true'] } })
    await eventually(() => informer.lister.get(`${namespace}/late`) !== undefined)
    expect(warnings).toEqual([])
    stop.abort()
    await ended
  } finally {
    stop.abort()
    await client.close()
  }
})
