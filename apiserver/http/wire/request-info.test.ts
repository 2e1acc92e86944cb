import { describe, expect, it } from 'vitest'
import { parseRequest } from './request-info.js'

const api = '/apis/millrace.dev/v1'

describe('parseRequest', () => {
  it.each([
    ['GET', `${api}/tasks`, 'list millrace.dev/v1 tasks'],
    ['GET', `${api}/tasks?watch=true`, 'watch millrace.dev/v1 tasks'],
    ['GET', `${api}/tasks?watch=1`, 'watch millrace.dev/v1 tasks'],
    ['GET', `${api}/tasks?watch=yes-please`, 'watch millrace.dev/v1 tasks'],
    ['GET', `${api}/tasks?watch=false`, 'list millrace.dev/v1 tasks'],
    ['GET', `${api}/tasks?watch=0`, 'list millrace.dev/v1 tasks'],
    ['HEAD', `${api}/tasks?watch=1`, 'list millrace.dev/v1 tasks'],
    ['GET', `${api}/namespaces/ns/tasks`, 'list millrace.dev/v1 tasks in ns'],
    ['GET', `${api}/namespaces/ns/tasks/`, 'list millrace.dev/v1 tasks in ns'],
    ['GET', `${api}/namespaces/ns/tasks/t`, 'get millrace.dev/v1 tasks in ns named t'],
    ['GET', `${api}/namespaces/ns/tasks/t?watch=1`, 'watch millrace.dev/v1 tasks in ns named t'],
    ['HEAD', `${api}/namespaces/ns/tasks/t`, 'get millrace.dev/v1 tasks in ns named t'],
    ['POST', `${api}/namespaces/ns/tasks`, 'create millrace.dev/v1 tasks in ns'],
    ['PUT', `${api}/namespaces/ns/tasks/t`, 'update millrace.dev/v1 tasks in ns named t'],
    ['PATCH', `${api}/namespaces/ns/tasks/t`, 'patch millrace.dev/v1 tasks in ns named t'],
    ['DELETE', `${api}/namespaces/ns/tasks/t`, 'delete millrace.dev/v1 tasks in ns named t'],
    ['DELETE', `${api}/namespaces/ns/tasks`, 'deletecollection millrace.dev/v1 tasks in ns'],
    ['PATCH', `${api}/namespaces/ns/tasks/t/status`, 'patch millrace.dev/v1 tasks/status in ns named t'],
    ['POST', `${api}/namespaces/ns/tasks/t/binding`, 'create millrace.dev/v1 tasks/binding in ns named t'],
    ['GET', `${api}/namespaces/ns/tasks/t/a/b`, 'get millrace.dev/v1 tasks/a/b in ns named t'],
    ['GET', '/api/v1/nodes/n1', 'get /v1 nodes named n1'],
    ['GET', '/api/v1/namespaces', 'list /v1 namespaces'],
    ['GET', '/api/v1/namespaces/ns', 'get /v1 namespaces named ns'],
    ['PUT', '/api/v1/namespaces/ns/finalize', 'update /v1 namespaces/finalize named ns'],
    ['PATCH', '/api/v1/namespaces/ns/status', 'patch /v1 namespaces/status named ns'],
    ['GET', '/api/v1/namespaces/ns/secrets', 'list /v1 secrets in ns'],
    ['GET', '/api/v1/namespaces/a%20b/secrets/x%2Ey', 'get /v1 secrets in a b named x.y'],
    ['POST', `${api}/bindings`, 'create millrace.dev/v1 bindings'],
    ['GET', `${api}/nodestreams/n1`, 'get millrace.dev/v1 nodestreams named n1'],
    ['OPTIONS', `${api}/tasks`, 'options millrace.dev/v1 tasks'],
  ])('reads %s %s as %s', (method, url, expected) => {
    const info = parseRequest(method, url)
    expect(info.isResource).toBe(true)
    const what = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`
    const where = `${info.namespace === '' ? '' : ` in ${info.namespace}`}${info.name === '' ? '' : ` named ${info.name}`}`
    expect(`${info.verb} ${info.group}/${info.version} ${what}${where}`).toBe(expected)
  })

  it.each([
    '/',
    '/api',
    '/api/',
    '/api/v1',
    '/apis',
    '/apis/millrace.dev',
    api,
    `${api}/`,
    '/healthz',
    '/trpc/why',
    '/openapi/v3/apis/millrace.dev/v1',
    '*',
    '',
  ])('sees no resource in %j', (url) => expect(parseRequest('GET', url)).toMatchObject({ isResource: false, verb: 'get' }))

  it.each([`${api}/tasks/%`, `${api}/tasks/%ff`, `${api}/namespaces/a%2Fb/tasks`, `${api}/namespaces/ns/tasks/a%00b`, '/%zz'])(
    'refuses %s',
    (url) => expect(() => parseRequest('GET', url)).toThrow(/path segment/),
  )
})
