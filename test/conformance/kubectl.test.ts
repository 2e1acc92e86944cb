/** What the real kubectl, 1.29 to 1.33, does with Millrace: each statement is a command that people type, and what they see. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, startCluster } from '../processes/cluster.js'
import { createOwner } from '../processes/owner.js'
import { findKubectls, isLeftOut, type Kubectl, runKubectl } from './kubectls.js'

const owner = createOwner('kubectl')
const kubectls = isLeftOut ? [] : findKubectls()
let cluster: Cluster

beforeAll(async () => {
  if (kubectls.length > 0) cluster = await startCluster(owner, { backends: 'process' })
}, 120_000)
afterAll(() => owner.end(), 60_000)

describe.skipIf(isLeftOut)('kubectl', () => {
  it('is there in at least one of the versions 1.29 to 1.33 (MILLRACE_KUBECTLS=DIR names their folder, MILLRACE_TEST_WITHOUT=kubectl leaves them out)', () => {
    expect(kubectls.map(({ version }) => version)).not.toEqual([])
  })
})

const task = (name: string, words = 'hello') => `
apiVersion: millrace.dev/v1
kind: Task
metadata: {name: ${name}, labels: {app: conformance}}
spec: {command: [sh, -c, 'echo ${words}']}
`

describe.each(kubectls.map((kubectl) => [kubectl.version, kubectl] as const))('kubectl %s', (version, kubectl: Kubectl) => {
  const name = `v${version.replace('.', '-')}`
  const run = async (args: string[], input?: string) => {
    const home = path.join(owner.directory, `home-${version}`)
    mkdirSync(home, { recursive: true })
    return await runKubectl(kubectl, { home, kubeconfig: cluster.kubeconfig, ...(input === undefined ? {} : { input }) }, args)
  }
  /** Standard output of a command that must succeed. */
  const out = async (args: string[], input?: string) => {
    const { code, stdout, stderr } = await run(args, input)
    expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' })
    return stdout
  }

  it('knows the kinds, in both forms of discovery', async () => {
    expect(await out(['api-resources', '--no-headers'])).toMatch(/^tasks +tk +millrace\.dev\/v1 +true +Task$/m)
    expect(await out(['api-versions'])).toContain('millrace.dev/v1')
    expect(await out(['version'])).toMatch(/Server Version: v1\.32/)
  })

  it('explains fields from their descriptions', async () => {
    expect(await out(['explain', 'task.spec.restartPolicy'])).toContain('Whether the agent starts it again')
    expect(await out(['explain', 'task.spec', '--recursive'])).toContain('readinessProbe')
  })

  it('applies, says unchanged, and applies a change', async () => {
    expect(await out(['apply', '-f', '-'], task(name))).toBe(`task.millrace.dev/${name} created\n`)
    expect(await out(['apply', '-f', '-'], task(name))).toBe(`task.millrace.dev/${name} unchanged\n`)
    expect(await out(['apply', '-f', '-'], task(name).replace('conformance}', 'conformance, more: yes-please}'))).toBe(
      `task.millrace.dev/${name} configured\n`,
    )
  })

  it('is told of unknown fields and of broken rules, with the field', async () => {
    const unknown = await run(['apply', '-f', '-'], task(`${name}-typo`).replace('command:', 'comand: [x], command:'))
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('unknown field "spec.comand"')])
    const broken = await run(['apply', '-f', '-'], task(`${name}-broken`).replace('command:', 'backend: qemu, command:'))
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('spec.backend')])
  })

  it('waits for a condition and for a field', async () => {
    expect(await out(['wait', `task/${name}`, '--for=condition=Complete', '--timeout=30s'])).toContain('condition met')
    expect(await out(['wait', `task/${name}`, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=30s'])).toContain('condition met')
  })

  it('gets in every form', async () => {
    expect(await out(['get', 'tk', name])).toMatch(new RegExp(`^NAME +PHASE +EXIT +RESTARTS +NODE +AGE\n${name} +Succeeded +0 +0 `))
    expect(await out(['get', 'tasks', '-A', '-l', 'app=conformance', '-o', 'name'])).toContain(`task.millrace.dev/${name}\n`)
    expect(await out(['get', 'task', name, '-o', 'jsonpath={.status.exitCode}'])).toBe('0')
    expect(await out(['get', 'tasks', '--field-selector', `metadata.name=${name}`, '-o', 'wide', '--no-headers'])).toContain(name)
    expect(await out(['get', 'tasks', '--sort-by=.metadata.name', '-o', 'custom-columns=N:.metadata.name'])).toContain(name)
    expect(await out(['get', 'nodes'])).toMatch(/ Ready /)
    expect(await out(['get', '--raw', '/readyz'])).toBe('ok')
  })

  it('describes with events', async () => {
    const text = await out(['describe', 'task', name])
    expect(text).toContain('Scheduled')
    expect(text).toMatch(/Events:\n +Type/)
  })

  it('patches, labels, annotates, and meets a conflict', async () => {
    expect(await out(['patch', 'task', name, '--type=merge', '-p', '{"metadata":{"labels":{"tier":"one"}}}'])).toContain('patched')
    expect(
      await out(['patch', 'task', name, '--type=json', '-p', '[{"op":"replace","path":"/metadata/labels/tier","value":"two"}]']),
    ).toContain('patched')
    expect(await out(['label', 'task', name, 'tier=three', '--overwrite'])).toContain('labeled')
    expect(await out(['annotate', 'task', name, 'note=seen'])).toContain('annotated')
    const stale = await run(['label', 'task', name, 'tier=four', '--overwrite', '--resource-version=1'])
    expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining('the object has been modified')])
    const strategic = await run(['patch', 'task', name, '-p', '{"spec":{"suspend":true}}'])
    expect([strategic.code, strategic.stderr]).toEqual([1, expect.stringContaining('strategic-merge-patch')])
  })

  it('dry-runs at the server, and diffs', async () => {
    expect(await out(['delete', 'task', name, '--dry-run=server'])).toContain('server dry run')
    expect(await out(['apply', '--dry-run=server', '-f', '-'], task(`${name}-dry`))).toContain('server dry run')
    expect((await run(['get', 'task', `${name}-dry`])).stderr).toContain('not found')
    expect((await run(['diff', '-f', '-'], task(name).replace('conformance}', 'other}'))).code).toBe(1)
  })

  it('creates the standard kinds', async () => {
    const namespace = `${name}-ns`
    await out(['create', 'namespace', namespace])
    await out(['create', 'configmap', 'settings', '--from-literal=a=b', '-n', namespace])
    await out(['create', 'secret', 'generic', 'account', '--from-literal=password=x', '-n', namespace])
    expect(await out(['get', 'configmap', 'settings', '-n', namespace, '-o', 'jsonpath={.data.a}'])).toBe('b')
    expect(await out(['delete', 'namespace', namespace, '--timeout=40s'])).toContain('deleted')
  })

  it('cordons, taints and lets go', async () => {
    const node = (await out(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}'])).trim()
    expect(await out(['cordon', node])).toContain('cordoned')
    expect(await out(['get', 'node', node])).toContain('SchedulingDisabled')
    expect(await out(['uncordon', node])).toContain('uncordoned')
    expect(await out(['taint', 'node', node, 'conformance=yes:NoSchedule'])).toContain('tainted')
    expect(await out(['taint', 'node', node, 'conformance-'])).toContain('untainted')
  })

  it('refuses what is not there yet in words', async () => {
    const applied = await run(['apply', '--server-side', '-f', '-'], task(`${name}-ssa`))
    expect([applied.code, applied.stderr]).toEqual([1, expect.stringContaining('server-side apply is not supported yet')])
    expect((await run(['get', 'pods'])).stderr).toMatch(/doesn't have a resource type "pods"|could not find the requested resource/)
  })

  it('deletes, and waits until it is gone', async () => {
    expect(await out(['delete', 'task', name, '--timeout=30s'])).toContain('deleted')
    expect((await run(['get', 'task', name])).stderr).toContain(`tasks.millrace.dev "${name}" not found`)
    expect(await out(['delete', 'task', name, '--ignore-not-found'])).toBe('')
  })
})
