/** A controller under its own ServiceAccount: with exactly its rights nothing is refused, and without any one of them something is. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { isNotFound } from '../api/api-error.js'
import { defineKind } from '../api/define-kind.js'
import { ClusterRole, type ClusterRoleManifest } from '../api/kinds/cluster-role.js'
import { ClusterRoleBinding } from '../api/kinds/cluster-role-binding.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Event } from '../api/kinds/event.js'
import { Namespace } from '../api/kinds/namespace.js'
import { Role, type RoleManifest } from '../api/kinds/role.js'
import { RoleBinding } from '../api/kinds/role-binding.js'
import { Secret } from '../api/kinds/secret.js'
import { ServiceAccount } from '../api/kinds/service-account.js'
import { Task } from '../api/kinds/task.js'
import { t } from '../api/schema/t.js'
import { silentLogger } from '../base/log.js'
import type { Client } from '../client/client.js'
import { createClient } from '../client/create-client.js'
import { electLeader } from '../client/election/elect-leader.js'
import { eventually } from '../testing/eventually.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import { controller } from './controller.js'
import { rightsOf } from './rights-of.js'
import { startControllers } from './start-controllers.js'
import { watch } from './watch.js'

const Pool = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Pool',
  plural: 'pools',
  scope: 'Namespaced',
  description: 'Slots.',
  spec: t.object({ size: t.integer().describe('How many.') }),
  status: t.object({ made: t.integer().describe('How many there are.').optional() }),
  conditions: ['Keyed'],
})

/** Makes Tasks, looks for a Secret, tells of each pass, and leaves a ConfigMap behind. */
const declarePools = (namespace?: string) =>
  controller({
    name: 'pools',
    for: Pool,
    owns: [Task],
    watches: [watch(Secret, (_secret, cache) => cache.list(Pool).map(({ metadata }) => metadata))],
    rights: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }],
    ...(namespace ? { namespace } : {}),
    async reconcile(pool, ctx) {
      for (let slot = 0; slot < pool.spec.size; slot++)
        await ctx.apply(Task, { metadata: { name: `${pool.metadata.name}-${slot}` }, spec: { command: ['true'] } })
      await ctx.prune(Task)
      pool.status.made = ctx.owned(Task).length
      ctx.condition('Keyed', ctx.list(Secret).length > 0, 'Looked')
      ctx.event('Normal', 'Looked', 'A pass was made.')
    },
    async finalize(pool, ctx) {
      await ctx.client.of(ConfigMap).create({ metadata: { namespace: pool.metadata.namespace, name: 'farewell' } })
    },
  })

type AnyRole = RoleManifest | ClusterRoleManifest
const account = { namespace: 'ops', name: 'keeper' }
const shop = 'shop'

/** Passes requests on, and notes what was refused. */
async function startGate(url: string): Promise<AsyncDisposable & { url: string; refused: string[]; seen: string[] }> {
  const refused: string[] = []
  const seen: string[] = []
  const server = http.createServer((request, response) => {
    const { method, headers, url: path = '' } = request
    const onward = http.request(url + path, { method: method ?? 'GET', headers }, (answer) => {
      const what = `${method} ${path.split('?')[0]}`
      seen.push(what)
      if (answer.statusCode === 403) refused.push(what)
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refused, seen, [Symbol.asyncDispose]: close }
}

async function grant({ client }: TestCluster, roles: readonly AnyRole[]): Promise<void> {
  for (const name of [account.namespace, shop]) await client.of(Namespace).create({ metadata: { name }, spec: {} })
  await client.of(ServiceAccount).create({ metadata: account })
  const subjects = [{ kind: 'ServiceAccount' as const, ...account }]
  for (const { kind, metadata, rules = [] } of roles) {
    const { name = '' } = metadata
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io' as const, name }
    const isCluster = kind === 'ClusterRole'
    if (isCluster) await client.of(ClusterRole).create({ metadata, rules })
    else await client.of(Role).create({ metadata, rules })
    if (isCluster) await client.of(ClusterRoleBinding).create({ metadata, roleRef: { ...roleRef, kind: 'ClusterRole' }, subjects })
    else await client.of(RoleBinding).create({ metadata, roleRef: { ...roleRef, kind: 'Role' }, subjects })
  }
}

async function requestToken(client: Client): Promise<string> {
  const path = `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } }
  return (JSON.parse(await (await client.raw({ method: 'POST', path, body })).text()) as { status: { token: string } }).status.token
}

/** The life of a program under these roles, up to the first refusal. Resolves with what was refused. */
async function live(declared: ReturnType<typeof declarePools>, roles: readonly AnyRole[]): Promise<string[]> {
  await using cluster = await testCluster({ kinds: [Pool] })
  await using gate = await startGate(cluster.url)
  await grant(cluster, roles)
  const { clock, client: admin } = cluster
  const client = createClient({ server: gate.url, token: await requestToken(admin) }, { clock })
  const start = () => {
    const stop = new AbortController()
    const onStarted = (signal: AbortSignal) => startControllers([declared], { client, clock, log: silentLogger }, signal).finished
    const ended = electLeader({ client, clock, namespace: account.namespace, name: 'pools', identity: 'test', onStarted }, stop.signal)
    return async () => {
      stop.abort()
      await ended
    }
  }
  let stop = start()
  const is = (check: () => Promise<boolean>) => eventually(async () => gate.refused.length > 0 || (await check()))
  const pools = admin.of(Pool)
  const at = { namespace: shop, name: 'a' }
  const made = async () => (await pools.get(at)).status?.made
  const counts = async () => (await admin.of(Event).list({ namespace: shop })).items.map(({ count }) => count ?? 0)
  try {
    await pools.create({ metadata: at, spec: { size: 2 } })
    await is(async () => (await made()) === 2)
    await pools.mergePatch(at, { spec: { size: 1 } })
    await is(async () => (await made()) === 1)
    await admin.of(Secret).create({ metadata: { namespace: shop, name: 'key' } })
    await is(async () => (await pools.get(at)).status?.conditions?.[0]?.status === 'True')
    await is(async () => (await counts()).length > 0)
    await stop()
    const [before = 0] = await counts()
    stop = start()
    await is(async () => (await counts()).some((count) => count > before))
    await pools.delete(at)
    await is(() => pools.get(at).then(() => false, isNotFound))
    await stop()
    await eventually(() => clock.timers > 0)
    await clock.advance(360_000)
    await is(async () => gate.seen.some((what) => what.endsWith('/token')))
    return [...new Set(gate.refused)]
  } finally {
    await stop()
    await client.close()
  }
}

/** The roles without one verb of one rule. */
function without(roles: readonly AnyRole[], role: number, rule: number, verb: string): AnyRole[] {
  return roles.map((one, index) =>
    index !== role
      ? one
      : {
          ...one,
          rules: (one.rules ?? [])
            .map((each, at) => (at === rule ? { ...each, verbs: each.verbs.filter((other) => other !== verb) } : each))
            .filter(({ verbs }) => verbs.length > 0),
        },
  )
}

describe('under exactly its rights', () => {
  it.each([
    ['everywhere', undefined],
    ['in one namespace', shop],
  ] as const)('a controller can do its work %s', async (_where, namespace) => {
    const declared = declarePools(namespace)
    expect(await live(declared, rightsOf([declared], account))).toEqual([])
  })
})

describe('without one of them it cannot', () => {
  const declared = declarePools()
  const roles = rightsOf([declared], account)
  const parts = roles.flatMap((role, roleIndex) =>
    (role.rules ?? []).flatMap(({ verbs, resources = [] }, ruleIndex) =>
      // Reading is one right.
      (verbs.includes('watch') ? verbs.filter((verb) => verb !== 'get' && verb !== 'list') : verbs).map(
        (verb) => [`${verb} ${resources}`, roleIndex, ruleIndex, verb] as const,
      ),
    ),
  )

  it.each(parts)('%s', async (_what, role, rule, verb) => {
    expect(await live(declared, without(roles, role, rule, verb))).not.toEqual([])
  })
})
