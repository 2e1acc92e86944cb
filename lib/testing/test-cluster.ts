/**
 * The real API server inside a test, on memory storage, with a clock that the test moves. Only transport timers are real.
 *
 *     await using cluster = await testCluster()
 *     const client = createClient(cluster.admin)
 *     await cluster.clock.advance(60_000)
 */
import { createPublicKey } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAccess } from '../../apiserver/auth/access.js'
import { withImpersonation } from '../../apiserver/auth/impersonate.js'
import { generateKeyPem } from '../../apiserver/auth/pki/authority.js'
import { ensurePki, type Pki } from '../../apiserver/auth/pki/ensure-pki.js'
import { createServerTokens, type ServerTokens } from '../../apiserver/auth/tokens/server-tokens.js'
import { authenticatedGroup, mastersGroup, type UserInfo } from '../../apiserver/auth/user.js'
import type { RequestLimitOptions } from '../../apiserver/http/request-limits.js'
import type { NodeStreamRoutes } from '../../apiserver/http/server-parts.js'
import type { Registry } from '../../apiserver/registry/registry.js'
import { type Apiserver, startApiserver } from '../../apiserver/server.js'
import { startSecureApiserver } from '../../apiserver/start-secure-apiserver.js'
import { openMemoryStore } from '../../apiserver/storage/open-memory-store.js'
import type { Store } from '../../apiserver/storage/store.js'
import { unauthorized } from '../api/api-error.js'
import type { Kind } from '../api/define-kind.js'
import { builtinKinds } from '../api/kinds/index.js'
import { type Logger, silentLogger } from '../base/log.js'
import type { ClientConfig } from '../client/client-config.js'
import { ManualClock } from './manual-clock.js'

export interface TestClusterOptions {
  /** Default false: plain HTTP, and the user is who the bearer token says (`NAME[,GROUP…]`, or a ServiceAccount's), admin without one. */
  readonly tls?: boolean
  readonly kinds?: readonly Kind[]
  readonly clock?: ManualClock
  readonly log?: Logger
  readonly limits?: RequestLimitOptions
  /** Over plain HTTP alone; with TLS the real ones are there. */
  readonly streams?: NodeStreamRoutes
}

export interface TestCluster extends AsyncDisposable {
  /** As http://127.0.0.1:41234. */
  readonly url: string
  readonly clock: ManualClock
  readonly store: Store
  readonly registry: Registry
  readonly server: Apiserver
  /** May do everything. */
  readonly admin: ClientConfig
  /** A config for any other user; with TLS, its certificate is made here. */
  configOf(user: string, groups?: readonly string[]): Promise<ClientConfig>
  /** From now on this user is nobody: 401. */
  revoke(user: string): void
  close(): Promise<void>
}

export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { clock = new ManualClock(), log = silentLogger, kinds = builtinKinds } = options
  const folder = options.tls ? await mkdtemp(join(tmpdir(), 'millrace-test-')) : undefined
  const pki = folder === undefined ? undefined : await ensurePki({ directory: join(folder, 'pki') })
  const store = await openMemoryStore({ clock, policyOf: policyOf(kinds) })
  const revoked = new Set<string>()
  const screen = (user: UserInfo) => {
    if (revoked.has(user.name)) throw unauthorized()
    return user
  }
  const common = { store, clock, log, kinds, host: '127.0.0.1', port: 0, ...(options.limits ? { limits: options.limits } : {}) }
  const access = createAccess(store)
  const tokens = await createServerTokens({ store, clock })
  const server = pki
    ? await startSecureApiserver({ ...common, pki, screen })
    : await startApiserver({
        ...common,
        access,
        tokens,
        authenticate: withImpersonation((request) => screen(userOfToken(request, tokens)), access.authorizer),
        ...(options.streams ? { streams: options.streams } : {}),
      })
  const url = `${pki ? 'https' : 'http'}://127.0.0.1:${server.port}`
  const configOf = (user: string, groups: readonly string[] = []) => clientConfig(url, pki, user, groups)
  const close = async () => {
    await server.close()
    await store.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
  return {
    url,
    clock,
    store,
    registry: server.registry,
    server,
    admin: await configOf('admin', [mastersGroup]),
    configOf,
    revoke: (user) => void revoked.add(user),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function policyOf(kinds: readonly Kind[]) {
  const byResource = new Map(kinds.map((kind) => [`${kind.group}/${kind.plural}`, kind]))
  return (group: string, resource: string) => byResource.get(`${group}/${resource}`)
}

async function clientConfig(server: string, pki: Pki | undefined, user: string, groups: readonly string[]): Promise<ClientConfig> {
  if (!pki) return { server, token: [user, ...groups].join(',') }
  const key = generateKeyPem()
  const certificate = await pki.authority.issue({
    publicKey: createPublicKey(key),
    commonName: user,
    organizations: groups,
    usage: 'client',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 24 * 3600_000),
  })
  return { server, ca: { data: pki.authority.certificate }, certificate: { data: certificate }, key: { data: key } }
}

function refuse(): never {
  throw unauthorized()
}

/** Over plain HTTP a bearer token says who asks: `NAME[,GROUP…]`, or it is a ServiceAccount's; without one it is admin. */
function userOfToken(request: IncomingMessage, tokens: ServerTokens): UserInfo {
  const { authorization } = request.headers
  if (authorization === undefined) return { name: 'admin', groups: [mastersGroup, authenticatedGroup] }
  const token = authorization.replace(/^Bearer /, '')
  if (token.startsWith('eyJ')) return tokens.bearer.find(token)?.user ?? refuse()
  const [name = '', ...groups] = token.split(',')
  return { name, groups: [...groups, authenticatedGroup] }
}
