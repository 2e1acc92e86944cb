/** What kubectl knows of the server before it touches an object: the kinds, the versions, the schemas, completion. */
import { expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { startApiServerAlone } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { supportedVersions } from './kubectls.js'

describeKubectls(startApiServerAlone, (kubectl) => {
  it('lists every kind with its short names, scope and verbs', async () => {
    const lines = (await kubectl.out('api-resources --no-headers -o wide')).split('\n')
    for (const { plural, shortNames, apiVersion, scope, kind, categories, verbs } of builtinKinds) {
      const line = lines.find((candidate) => candidate.startsWith(`${plural} `) && candidate.includes(` ${apiVersion} `))?.split(/ +/) ?? []
      const names = shortNames.length > 0 ? [shortNames.join(',')] : []
      const rest = [verbs.join(','), categories.join(',')]
      expect(line).toEqual([plural, ...names, apiVersion, String(scope === 'Namespaced'), kind, ...rest])
    }
    expect(await kubectl.out('api-resources --no-headers --namespaced=false -o name')).toContain('nodes\n')
    const versions = [...new Set(builtinKinds.map(({ apiVersion }) => apiVersion))].sort()
    expect((await kubectl.out('api-versions')).trim().split('\n')).toEqual(versions)
  })

  it('speaks of the server as of a Kubernetes of its version', async () => {
    expect(await kubectl.out('version')).toMatch(/Server Version: v1\.32/)
    expect(JSON.parse(await kubectl.out('get --raw /version'))).toMatchObject({ major: '1', minor: '32' })
    expect(await kubectl.out('get --raw /readyz')).toBe('ok')
  })

  it('explains kinds and fields from their descriptions', async () => {
    // Each version explains its share of the kinds.
    const share = builtinKinds.filter((_, index) => index % supportedVersions.length === kubectl.minor - 29)
    for (const { kind, plural, apiVersion, measured, schema } of share)
      expect(await kubectl.out(`explain ${plural}${measured ? ` --api-version=${apiVersion}` : ''}`)).toMatch(
        new RegExp(`KIND: +${kind}[\\s\\S]*${(schema.description ?? '').slice(0, 20)}`),
      )
    expect(await kubectl.out('explain task.spec.restartPolicy')).toContain('Whether the agent starts it again')
    expect(await kubectl.out('explain tk.spec --recursive')).toMatch(/readinessProbe\t<Object>\n {4}exec\t<Object>/)
    expect(await kubectl.refusal('explain task.spec.nothing')).toContain('field "nothing" does not exist')
  })

  it('completes the names of kinds and of objects', async () => {
    expect(await kubectl.out('__complete get ta')).toContain('tasks.millrace.dev\n')
    expect(await kubectl.out(`__complete get ns ${kubectl.namespace}`)).toContain(`${kubectl.namespace}\n`)
  })

  it('says where the cluster is', async () => {
    expect(await kubectl.out('cluster-info')).toMatch(/Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/)
  })

  it('is told what is not there: measurements without nodes, services, the old schema', async () => {
    expect(await kubectl.refusal('top nodes')).toContain('metrics not available yet')
    expect(await kubectl.refusal('create service clusterip s --tcp=80')).toContain(
      'create is not allowed on services: they answer to get, list, watch',
    )
    expect(await kubectl.refusal('explain task --output plaintext-openapiv2')).toContain(
      `couldn't find resource for "millrace.dev/v1, Kind=Task"`,
    )
    expect(await kubectl.refusal('get nothings')).toContain(`the server doesn't have a resource type "nothings"`)
    expect(await kubectl.refusal('create job j --image=x')).toContain('could not find the requested resource')
  })
})
