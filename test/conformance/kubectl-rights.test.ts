/** What kubectl does with rights: roles and bindings from arguments, questions about them, tokens, requests as somebody else. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createClient } from '../../lib/client/create-client.js'
import { loadKubeconfig } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import { eventually } from '../../lib/testing/eventually.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { startApiServerAlone } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'

describeKubectls(startApiServerAlone, (kubectl) => {
  const { namespace } = kubectl
  const table = async (what: string) => (await kubectl.out(`get ${what} --no-headers`)).replaceAll(/ {2,}/g, ' | ')

  it('shows the roles that are there from the beginning', async () => {
    expect(await kubectl.out('get clusterroles -o name')).toMatch(
      /clusterrole.rbac.authorization.k8s.io\/admin\n[\s\S]*\/cluster-admin\n[\s\S]*\/edit\n[\s\S]*\/view\n/,
    )
    expect(await kubectl.out('describe clusterrole view')).toMatch(/tasks\.millrace\.dev +\[\] +\[\] +\[get list watch\]/)
  })

  it('creates roles, bindings and ServiceAccounts from arguments', async () => {
    await kubectl.out('create serviceaccount robot')
    await kubectl.out('create role reader --verb=get,list --resource=tasks.millrace.dev,tasks/log.millrace.dev,configmaps')
    await kubectl.out(`create rolebinding reader --role=reader --serviceaccount=${namespace}:robot --user=ann`)
    await kubectl.out(`create clusterrole ${namespace}-nodes --verb=get --resource=nodes --resource-name=one`)
    await kubectl.out(`create clusterrole ${namespace}-all --aggregation-rule=of=${namespace}`)
    await kubectl.out(`create clusterrole ${namespace}-paths --verb=get --non-resource-url=/metrics`)
    await kubectl.out(`create clusterrolebinding ${namespace}-nodes --clusterrole=${namespace}-nodes --group=${namespace}-people`)
    expect(await table('rolebindings')).toBe('reader | Role/reader | 0s\n')
    expect(await table('rolebindings -o wide')).toBe(`reader | Role/reader | 0s | ann | ${namespace}/robot\n`)
    expect(await table(`clusterrolebindings ${namespace}-nodes -o wide`)).toBe(
      `${namespace}-nodes | ClusterRole/${namespace}-nodes | 0s | ${namespace}-people | \n`,
    )
    expect(await table('sa')).toBe('robot | 0s\n')
    expect(await kubectl.out('describe rolebinding reader')).toMatch(new RegExp(`ServiceAccount +robot +${namespace}`))
  })

  it('gathers a role from those with its label', async () => {
    await kubectl.out(`label clusterrole ${namespace}-nodes of=${namespace}`)
    await kubectl.out(`create clusterrolebinding ${namespace}-all --clusterrole=${namespace}-all --user=${namespace}-carl`)
    expect(await kubectl.out(`auth can-i get nodes/one --as=${namespace}-carl`)).toBe('yes\n')
  })

  it('asks what one may, oneself and as others', async () => {
    expect(await kubectl.out('auth can-i create tasks')).toBe('yes\n')
    expect(await kubectl.out('auth can-i list tasks.millrace.dev --as=ann')).toBe('yes\n')
    expect((await kubectl.run('auth can-i delete tasks.millrace.dev --as=ann')).stdout).toBe('no\n')
    expect((await kubectl.run(`auth can-i '*' '*' --as=ann`)).stdout).toBe('no\n')
    expect((await kubectl.run('auth can-i get /metrics --as=ann')).stdout).toBe('no\n')
    expect(await kubectl.out(`auth can-i get nodes/one --as=bob --as-group=${namespace}-people`)).toBe('yes\n')
    const list = await kubectl.out('auth can-i --list --as=ann')
    expect(list).toMatch(/tasks\.millrace\.dev +\[\] +\[\] +\[get list\]/)
    expect(list).toMatch(/selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]/)
  })

  it('asks who one is, oneself and as others', async () => {
    expect(await kubectl.out('auth whoami')).toMatch(/Username +admin\nGroups +\[system:masters system:authenticated\]/)
    expect(await kubectl.out(`auth whoami --as=bob --as-group=team -o jsonpath='{.status.userInfo}'`)).toBe(
      '{"groups":["team","system:authenticated"],"username":"bob"}',
    )
  })

  it('makes a token, and acts with it as the ServiceAccount that it is of', async () => {
    const token = (await kubectl.out('create token robot --duration=20m --audience=https://millrace.default.svc')).trim()
    const config = JSON.parse(await kubectl.out('config view --raw -o json'))
    const users = [{ name: 'admin', user: { token } }]
    const file = kubectl.write('robot.kubeconfig', JSON.stringify({ ...config, users }))
    const asRobot = { env: { KUBECONFIG: file } }
    expect(await kubectl.out('auth whoami', asRobot)).toContain(`system:serviceaccount:${namespace}:robot`)
    expect(await kubectl.run('get tasks', asRobot)).toMatchObject({ code: 0 })
    expect(await kubectl.refusal('get secrets', asRobot)).toContain(
      `User "system:serviceaccount:${namespace}:robot" cannot list resource "secrets" in API group "" in the namespace "${namespace}"`,
    )
    await kubectl.out('create secret generic tie')
    expect(await kubectl.out('create token robot --bound-object-kind=Secret --bound-object-name=tie')).toMatch(/^eyJ/)
    await kubectl.out('delete serviceaccount robot')
    expect(await kubectl.refusal('get tasks', asRobot)).toContain('You must be logged in')
  })

  it('goes on with the kubeconfig in which a program has renewed its token', async () => {
    await kubectl.out('create serviceaccount keeper')
    await kubectl.out('create role keeper --verb=create --resource=serviceaccounts/token --resource-name=keeper')
    await kubectl.out(`create rolebinding keeper --role=keeper --serviceaccount=${namespace}:keeper`)
    const token = (await kubectl.out('create token keeper --duration=20m')).trim()
    const file = kubectl.write('keeper.kubeconfig', await kubectl.out('config view --raw -o yaml'))
    const asKeeper = { env: { KUBECONFIG: file } }
    const [context] = (await kubectl.out('config get-contexts -o name')).split('\n')
    await kubectl.out(`config set-credentials keeper --token=${token}`, asKeeper)
    await kubectl.out(`config set-context ${context} --user=keeper`, asKeeper)
    const clock = new ManualClock()
    const client = createClient((await loadKubeconfig({ env: {}, home: '', kubeconfig: file })).config, { clock })
    await eventually(async () => {
      await clock.advance(60_000)
      return !readFileSync(file, 'utf8').includes(token)
    })
    await client.close()
    expect(await kubectl.out('auth whoami', asKeeper)).toContain(`system:serviceaccount:${namespace}:keeper`)
  })

  it('reconciles roles, and says what it did', async () => {
    const input = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: ${namespace}}
rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: ${namespace}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: carl}]
`
    expect(await kubectl.out('auth reconcile -f -', { input })).toContain('role.rbac.authorization.k8s.io/reader reconciled')
    expect(await kubectl.out('auth can-i get secrets --as=carl')).toBe('yes\n')
    expect(await kubectl.out('auth can-i list configmaps --as=ann')).toBe('yes\n')
  })

  it('is told why rights may not be given', async () => {
    await kubectl.out(`create rolebinding landlord --clusterrole=admin --user=landlord`)
    const asLandlord = '--as=landlord'
    await kubectl.out(`create role small --verb=get --resource=secrets ${asLandlord}`)
    expect(await kubectl.refusal(`create role big --verb=get --resource=nodes ${asLandlord}`)).toContain(
      'is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}',
    )
    expect(await kubectl.refusal(`create rolebinding big --clusterrole=cluster-admin --user=me ${asLandlord}`)).toContain(
      'not currently held',
    )
    expect(await kubectl.refusal('label clusterrole view a=b')).toContain('it is built in')
  })
})
