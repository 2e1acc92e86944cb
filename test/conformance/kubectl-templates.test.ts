/**
 * What kubectl writes into Deployments and ReplicaSets, with the API server alone: the
 * typed commands, each patch in its own form, and what is refused.
 */
import { expect, it } from 'vitest'
import { startApiServerAlone } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { type Manifest, printManifests } from './one-of-each.js'

const deployment = (name: string, container: object, spec: object = {}, pod: object = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'nginx:1', ...container }], ...pod } },
    ...spec,
  },
})

describeKubectls(startApiServerAlone, (kubectl) => {
  const read = async (name: string, path: string) => kubectl.out(`get deploy ${name} -o jsonpath='{${path}}'`)
  const container = (name: string, path: string) => read(name, `.spec.template.spec.containers[0]${path}`)
  const apply = (manifest: Manifest, flags = '') => kubectl.out(`apply ${flags} -f -`, { input: printManifests([manifest]) })

  it('creates a Deployment from arguments, in its columns', async () => {
    expect(await kubectl.out('create deployment web --image=nginx:1 --replicas=2 --port=80')).toBe('deployment.apps/web created\n')
    expect((await kubectl.out('get deploy')).replace(/\d+s/, 'AGE')).toMatch(
      /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/2 +0 +0 +AGE\n$/,
    )
    expect(await kubectl.out('get deployments -o wide')).toMatch(/CONTAINERS +IMAGES +SELECTOR\nweb .* nginx +nginx:1 +app=web\n$/)
    expect(await container('web', '.ports')).toBe('[{"containerPort":80,"protocol":"TCP"}]')
    expect(await kubectl.out('create deployment shell --image=busybox -- sleep 600')).toBe('deployment.apps/shell created\n')
    expect(await container('shell', '.command')).toBe('["sleep","600"]')
  })

  it('scales, also only from what it was', async () => {
    expect(await kubectl.out('scale deploy/web --replicas=3')).toBe('deployment.apps/web scaled\n')
    expect(await kubectl.out('scale deploy web --current-replicas=3 --replicas=4')).toBe('deployment.apps/web scaled\n')
    expect(await kubectl.refusal('scale deploy web --current-replicas=3 --replicas=5')).toContain('Expected replicas to be 3, was 4')
    expect(await read('web', '.spec.replicas')).toBe('4')
    expect(JSON.parse(await kubectl.out(`get --raw /apis/apps/v1/namespaces/${kubectl.namespace}/deployments/web/scale`))).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 4 },
      status: { replicas: 0, selector: 'app=web' },
    })
  })

  it('sets image, environment and resources, and starts anew', async () => {
    expect(await kubectl.out('set image deploy/web nginx=nginx:2')).toBe('deployment.apps/web image updated\n')
    expect(await kubectl.out('set env deploy/web A=1 B=2')).toBe('deployment.apps/web env updated\n')
    expect(await kubectl.out('set env deploy/web A- B=3')).toBe('deployment.apps/web env updated\n')
    expect(await kubectl.out('set env deploy/web --list')).toContain('B=3')
    expect(await kubectl.out('set resources deploy/web --limits=cpu=200m,memory=64Mi')).toContain('resource requirements updated')
    expect(await kubectl.out('rollout restart deploy/web')).toBe('deployment.apps/web restarted\n')
    expect(JSON.parse(await container('web', ''))).toMatchObject({
      image: 'nginx:2',
      env: [{ name: 'B', value: '3' }],
      resources: { limits: { cpu: '200m', memory: '64Mi' } },
      ports: [{ containerPort: 80 }],
    })
    expect(await read('web', '.spec.template.metadata.annotations')).toContain('kubectl.kubernetes.io/restartedAt')
    expect(await kubectl.out('rollout pause deploy/web')).toBe('deployment.apps/web paused\n')
    expect(await read('web', '.spec.paused')).toBe('true')
    expect(await kubectl.out('rollout resume deploy/web')).toBe('deployment.apps/web resumed\n')
    expect(await read('web', '.spec.paused')).toBe('')
  })

  it('merges lists of a template by what tells their items apart, in either way to apply', async () => {
    const ports = [
      { containerPort: 80, name: 'http' },
      { containerPort: 53, protocol: 'UDP', name: 'dns' },
    ]
    const mounts = [{ name: 'data', mountPath: '/data' }]
    const volumes = { volumes: [{ name: 'data', emptyDir: {} }] }
    for (const [name, flags] of [
      ['client-side', ''],
      ['server-side', '--server-side'],
    ] as const) {
      await apply(deployment(name, { ports, env: [{ name: 'A', value: '1' }], volumeMounts: mounts }, {}, volumes), flags)
      await kubectl.out(`set env deploy/${name} OTHER=x`)
      await apply(
        deployment(
          name,
          {
            ports: [
              { containerPort: 8080, name: 'http' },
              { ...ports[1], name: 'names' },
            ],
            env: [{ name: 'B', value: '2' }],
            volumeMounts: [...mounts, { name: 'data', mountPath: '/more', readOnly: true }],
          },
          { replicas: 2 },
          volumes,
        ),
        flags,
      )
      const merged = JSON.parse(await container(name, ''))
      expect([name, merged.ports]).toEqual([
        name,
        [
          { containerPort: 8080, name: 'http', protocol: 'TCP' },
          { containerPort: 53, name: 'names', protocol: 'UDP' },
        ],
      ])
      expect(new Set(merged.env.map((variable: { name: string }) => variable.name))).toEqual(new Set(['B', 'OTHER']))
      expect(merged.volumeMounts.map((mount: { mountPath: string }) => mount.mountPath)).toEqual(['/data', '/more'])
      expect(await apply(deployment(name, merged, { replicas: 2 }, volumes), `${flags} --force-conflicts=${flags !== ''}`)).toContain(name)
    }
  })

  it('edits, and describes', async () => {
    const editor = kubectl.write('editor', '#!/bin/sh\nsed -i "s/nginx:1/nginx:9/" "$1"\n', 0o700)
    expect(await kubectl.out('edit deploy client-side', { env: { KUBE_EDITOR: editor } })).toContain('deployment.apps/client-side edited')
    expect(await container('client-side', '.image')).toBe('nginx:9')
    const text = await kubectl.out('describe deploy client-side')
    expect(text).toMatch(/StrategyType: +RollingUpdate\n/)
    expect(text).toMatch(/RollingUpdateStrategy: +25% max unavailable, 25% max surge\n/)
    expect(text).toMatch(/Image: +nginx:9\n +Ports?: +8080\/TCP/)
  })

  it('changes the strategy to Recreate, by which the rolling update is forgotten', async () => {
    const recreate = { strategy: { type: 'Recreate' } }
    await apply(deployment('client-side', {}, recreate))
    await apply(deployment('server-side', {}, recreate), '--server-side --force-conflicts')
    for (const name of ['client-side', 'server-side']) expect(await read(name, '.spec.strategy')).toBe('{"type":"Recreate"}')
  })

  it.each([
    [{ lifecycle: { preStop: { exec: { command: ['a'] } } } }, {}, 'spec.template.spec.containers[0].lifecycle: Unsupported value'],
    [{}, { hostNetwork: true }, 'spec.template.spec.hostNetwork: Unsupported value: true: '],
    [{}, { serviceAccountName: 'robot' }, 'spec.template.spec.serviceAccountName: Unsupported value: "robot"'],
    [{}, { initContainers: [{ name: 'a', image: 'b' }] }, 'spec.template.spec.initContainers: Unsupported value'],
    [{}, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }, 'spec.template.spec.volumes[0].persistentVolumeClaim'],
  ])('is refused what a Task cannot do, by its path: %j %j', async (ofContainer, pod, expected) => {
    const input = printManifests([deployment('refused', ofContainer, {}, pod)])
    for (const flags of ['', '--server-side']) expect(await kubectl.refusal(`apply ${flags} -f -`, { input })).toContain(expected)
    expect(await kubectl.refusal('get deploy refused')).toContain('not found')
  })

  it('is told plainly what there is not: autoscaling, exposing, and a changed selector', async () => {
    expect(await kubectl.refusal('autoscale deploy web --max=3')).toContain('the server could not find the requested resource')
    expect(await kubectl.refusal('expose deploy web --port=80')).toContain('services')
    const patch = `'{"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}}}}}'`
    expect(await kubectl.refusal(`patch deploy web -p ${patch}`)).toContain('field is immutable')
    expect(await kubectl.refusal('rollout undo deploy/web')).toContain('no rollout history found for deployment "web"')
  })
})
