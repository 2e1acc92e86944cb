/** Rights on the command line: who one is, what one may, roles, bindings, ServiceAccounts and tokens of arguments. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
beforeAll(async () => {
  line = await commandLine()
})
afterAll(() => line[Symbol.asyncDispose]())

const out = async (text: string) => {
  const { code, out: printed, err } = await line.run(text)
  expect({ text, code, err }).toEqual({ text, code: 0, err: '' })
  return printed
}

describe('create', () => {
  it.each([
    ['create namespace shop', 'namespace/shop created\n'],
    ['create ns room -n ignored -o name', 'namespace/room\n'],
    ['create serviceaccount robot', 'serviceaccount/robot created\n'],
    ['create sa other -o name', 'serviceaccount/other\n'],
    ['create role reader --verb get,list --resource tasks,tasks/log,cm', 'role.rbac.authorization.k8s.io/reader created\n'],
    [
      'create rolebinding reader --role reader --user ann --serviceaccount default:robot',
      'rolebinding.rbac.authorization.k8s.io/reader created\n',
    ],
    ['create clusterrole paths --verb get --non-resource-url /metrics', 'clusterrole.rbac.authorization.k8s.io/paths created\n'],
    ['create clusterrole all --aggregation-rule of=all', 'clusterrole.rbac.authorization.k8s.io/all created\n'],
    [
      'create clusterrolebinding paths --clusterrole paths --group scrapers --dry-run',
      'clusterrolebinding.rbac.authorization.k8s.io/paths created (dry run)\n',
    ],
  ])('%s', async (text, printed) => expect(await out(text)).toBe(printed))

  it('makes one rule for each group of resources', async () => {
    expect(JSON.parse(await out('get role reader -o json')).rules).toEqual([
      { verbs: ['get', 'list'], apiGroups: ['millrace.dev'], resources: ['tasks', 'tasks/log'] },
      { verbs: ['get', 'list'], apiGroups: [''], resources: ['configmaps'] },
    ])
    expect(await out('get rolebindings')).toMatch(/^NAME +ROLE +AGE\nreader +Role\/reader /)
  })

  it.each([
    ['create namespaze shop', 'kubectl-lite create --help lists'],
    ['create role r --resource tasks', '--verb'],
    ['create role r --verb get', '--resource'],
    ['create role r --verb get --resource nothings', 'nothings'],
    ['create rolebinding r --user ann', '--clusterrole'],
    ['create rolebinding r --role a --clusterrole b', 'one role'],
    ['create rolebinding r --role a --serviceaccount robot', 'NAMESPACE:NAME'],
    ['create token robot --bound-object-kind Node --bound-object-name n', 'Secret or Task'],
    ['get tasks --as-group team', '--as'],
    ['auth can-i create', 'can-i create tasks'],
  ])('%s is refused as a wrong command line', async (text, hint) => {
    const { code, err } = await line.run(text)
    expect([code, err]).toEqual([2, expect.stringContaining(hint)])
  })
})

describe('auth', () => {
  it('says who one is, oneself and as others', async () => {
    expect(await out('auth whoami')).toBe('ATTRIBUTE   VALUE\nUsername    admin\nGroups      [system:masters system:authenticated]\n')
    const { status } = JSON.parse(await out('auth whoami -o json --as bob --as-group team --as-group other --as-uid 7'))
    expect(status.userInfo).toEqual({ username: 'bob', uid: '7', groups: ['team', 'other', 'system:authenticated'] })
  })

  it.each([
    ['auth can-i create tasks', 0, 'yes\n'],
    ['auth can-i get tasks --as ann', 0, 'yes\n'],
    ['auth can-i get tasks/one --subresource log --as ann', 0, 'yes\n'],
    ['auth can-i get tasks -A --as ann', 1, 'no\n'],
    ['auth can-i delete tasks --as ann', 1, 'no\n'],
    ['auth can-i delete tasks --as ann -q', 1, ''],
    ['auth can-i get /metrics --as ann', 1, 'no\n'],
    ['auth can-i * * --as ann', 1, 'no\n'],
  ])('%s', async (text, code, printed) => expect(await line.run(text)).toMatchObject({ code, out: printed }))

  it('lists all that is allowed', async () => {
    const list = await out('auth can-i --list --as ann')
    expect(list).toMatch(/^RESOURCES +NON-RESOURCE URLS +RESOURCE NAMES +VERBS\n/)
    expect(list).toMatch(/tasks\.millrace\.dev\/log +\[\] +\[\] +\[get list\]\n/)
  })

  it('acts as others with their rights alone', async () => {
    expect(await line.run('get secrets --as ann')).toMatchObject({ code: 5, err: expect.stringContaining('User "ann" cannot list') })
    expect(await line.run('get tasks --as ann')).toMatchObject({ code: 0 })
  })
})

it('a token stands for its ServiceAccount', async () => {
  const token = (await out('create token robot --duration 20m')).trim()
  const file = await line.write(
    'robot.json',
    JSON.stringify({
      'current-context': 'robot',
      clusters: [{ name: 'test', cluster: { server: line.cluster.url } }],
      users: [{ name: 'robot', user: { token } }],
      contexts: [{ name: 'robot', context: { cluster: 'test', user: 'robot' } }],
    }),
  )
  expect(await out(`auth whoami --kubeconfig ${file}`)).toContain('system:serviceaccount:default:robot')
  expect(await line.run(`get tasks --kubeconfig ${file}`)).toMatchObject({ code: 0 })
  expect(await line.run(`get secrets --kubeconfig ${file}`)).toMatchObject({ code: 5 })
})
