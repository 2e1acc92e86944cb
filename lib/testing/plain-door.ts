import type { IncomingMessage } from 'node:http'
import { createAccess } from '../../apiserver/auth/access.js'
import { withImpersonation } from '../../apiserver/auth/impersonate.js'
import { createServerTokens, type ServerTokens } from '../../apiserver/auth/tokens/server-tokens.js'
import { authenticatedGroup, mastersGroup, type UserInfo } from '../../apiserver/auth/user.js'
import { startApiserver } from '../../apiserver/server.js'
import { unauthorized } from '../api/api-error.js'
import type { TestDoor, TestDoorOptions } from './test-door.js'

/** Over plain HTTP: a bearer token says who asks. */
export async function openPlainDoor({ revoked, limits, streams, ...parts }: TestDoorOptions): Promise<TestDoor> {
  const { store, clock } = parts
  const access = createAccess(store)
  const tokens = await createServerTokens({ store, clock })
  const authenticate = (request: IncomingMessage) => {
    const user = userOfToken(request, tokens)
    if (revoked.has(user.name)) throw unauthorized()
    return user
  }
  const server = await startApiserver({
    ...parts,
    host: '127.0.0.1',
    port: 0,
    access,
    tokens,
    authenticate: withImpersonation(authenticate, access.authorizer),
    ...(limits ? { limits } : {}),
    ...(streams ? { streams } : {}),
  })
  const url = `http://127.0.0.1:${server.port}`
  return {
    server,
    url,
    configOf: async (user, groups) => ({ server: url, token: [user, ...groups].join(',') }),
    close: () => server.close(),
  }
}

/** A token is `NAME[,GROUP…]`, or a ServiceAccount's; without one it is admin. */
function userOfToken(request: IncomingMessage, tokens: ServerTokens): UserInfo {
  const { authorization } = request.headers
  if (authorization === undefined) return { name: 'admin', groups: [mastersGroup, authenticatedGroup] }
  const token = authorization.replace(/^Bearer /, '')
  if (token.startsWith('eyJ')) return tokens.bearer.find(token)?.user ?? refuse()
  const [name = '', ...groups] = token.split(',')
  return { name, groups: [...groups, authenticatedGroup] }
}

function refuse(): never {
  throw unauthorized()
}
