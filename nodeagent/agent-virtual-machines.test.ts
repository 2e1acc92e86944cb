import { spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCondition } from '../lib/api/condition.js'
import { Vps, type VpsManifest } from '../lib/api/kinds/vps.js'
import type { Client } from '../lib/client/client.js'
import { createClient } from '../lib/client/create-client.js'
import { eventually } from '../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../lib/testing/test-cluster.js'
import { machinesOptions } from './backends/qemu/fixtures/a-machine.js'
import { withoutQemu } from './backends/qemu/fixtures/guest-kernel.js'
import { testGuest } from './backends/qemu/fixtures/test-guest.js'
import { QemuMachines } from './backends/qemu/machines/qemu-machines.js'
import { readProcess } from './backends/supervision/proc.js'
import { type AgentFolders, agentFolders, type RunningAgent, startAgent } from './fixtures/start-agent.js'

const patienceMs = 240_000
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdi05UFKu49VedHnGmdq/r/8kfhAjd4ypf6zFrX1nea me@home'

describe.skipIf(withoutQemu)('Vpses in virtual machines', { timeout: patienceMs }, () => {
  let cluster: TestCluster
  let admin: Client
  let folders: AgentFolders
  let images: string
  let agent: RunningAgent

  const start = () =>
    startAgent(cluster, folders, {
      backends: async () => [],
      machines: async (paths) => [await QemuMachines.open(machinesOptions(paths.data, images))],
    })

  beforeAll(async () => {
    images = await testGuest()
    cluster = await testCluster()
    admin = createClient(cluster.admin)
    folders = await agentFolders()
    agent = await start()
  }, patienceMs)
  afterAll(async () => {
    for (const vps of (await admin.of(Vps).list()).items) await admin.of(Vps).delete(vps.metadata, { gracePeriodSeconds: 0 })
    await eventually(async () => expect((await admin.of(Vps).list()).items).toEqual([]), { timeoutMs: patienceMs })
    await agent.stop()
    await admin.close()
    await cluster.close()
    await folders.remove()
  }, patienceMs)

  const at = (name: string) => ({ namespace: 'default', name })
  const create = (name: string, spec: Partial<VpsManifest['spec']> = {}) =>
    admin.of(Vps).create({
      metadata: at(name),
      spec: {
        backend: 'qemu',
        nodeName: 'n1',
        image: 'guest',
        resources: { limits: { cpu: '1', memory: '160Mi' } },
        ssh: { mode: 'keys', authorizedKeys: [key] },
        ...spec,
      },
    })
  const get = (name: string) => admin.of(Vps).get(at(name))
  const change = (name: string, spec: object) => admin.of(Vps).mergePatch(at(name), { spec })
  const inPhase = (name: string, phase: string, also: object = {}) =>
    eventually(
      async () => {
        const vps = await get(name)
        expect(vps.status, JSON.stringify(vps.status)).toMatchObject({ phase, ...also })
        return vps
      },
      { timeoutMs: patienceMs },
    )
  const run = (vps: Vps, command: string) =>
    eventually(
      async () => {
        const backend = agent.parts.machines.get('qemu')
        const order = { command: ['sh', '-c', command], stdin: false, tty: false }
        const session = await backend?.openMachineExec(vps.metadata.uid, order, AbortSignal.timeout(60_000))
        if (!session) throw new Error('the agent keeps no virtual machines')
        const [out] = await Promise.all([text(session.stdout), session.stderr && text(session.stderr), session.ended])
        return out
      },
      { timeoutMs: patienceMs },
    )
  const left = async () => {
    const folder = agent.paths.data
    const parts = ['machines', 'machine-runs', 'machine-records', 'images/bases', 'snapshots']
    return (await Promise.all(parts.map((part) => readdir(path.join(folder, part)).catch(() => [])))).flat()
  }

  it('acceptance 7: a machine that was stopped and started has the same keys and the same disk', async () => {
    await create('kept')
    const first = await inPhase('kept', 'Running', { starts: 1, resources: { cpu: '1', memory: '160Mi' } })
    expect(await run(first, 'cat /root/.ssh/authorized_keys')).toContain(key)
    await run(first, 'echo mine >/root/mine')
    // What it has answered by now, it says; what it is to have from its next start on, too.
    await eventually(async () => expect(findCondition(await get('kept'), 'Ready')).toMatchObject({ status: 'True', reason: 'Answers' }))
    await change('kept', { resources: { limits: { cpu: '1', memory: '176Mi' } } })
    const waits = { status: 'True', message: expect.stringContaining('memory 176Mi (runs with 160Mi): from its next start on') }
    await eventually(async () => expect(findCondition(await get('kept'), 'ResizePending')).toMatchObject(waits))
    const keys = () => readFile(path.join(agent.paths.data, 'machines', first.metadata.uid, 'keys.json'), 'utf8')
    const before = await keys()
    await change('kept', { running: false })
    await inPhase('kept', 'Stopped', { stoppedAt: expect.any(String) })
    await agent.stop()
    agent = await start()
    await change('kept', { running: true })
    const again = await inPhase('kept', 'Running', { starts: 2, resources: { cpu: '1', memory: '176Mi' } })
    expect(findCondition(again, 'ResizePending')).toBeUndefined()
    // What answers has the host key of before: the agent takes no other.
    expect(await run(again, 'cat /root/mine')).toBe('mine\n')
    expect(await keys()).toBe(before)
  })

  it('one that powers itself off is started again, and the next agent finds it as it is', async () => {
    const vps = await get('kept')
    await run(vps, 'poweroff')
    const again = await inPhase('kept', 'Running', { starts: 3 })
    await agent.stop()
    agent = await start()
    await eventually(() => expect(agent.agent.workloads).toBe(1))
    expect((await get('kept')).status).toMatchObject({ starts: 3, runtimeId: again.status?.runtimeId })
  })

  it('comes back by itself, from its disk, after a reboot of the node', async () => {
    const { metadata, status } = await get('kept')
    const pid = Number(status?.runtimeId)
    const { parent = 0 } = (await readProcess(pid)) ?? {}
    await agent.stop()
    for (const taken of [parent, pid]) process.kill(taken, 'SIGKILL')
    await eventually(async () => expect((await readProcess(pid))?.state ?? 'Z').toBe('Z'))
    // Nobody has seen how it ended, and its numbers are somebody else's by now.
    const runs = path.join(agent.paths.data, 'machine-runs')
    const [started = ''] = (await readdir(runs)).filter((file) => file.startsWith(metadata.uid) && file.endsWith('.started'))
    const record = path.join(runs, started)
    const other = spawn('sleep', ['600'])
    const numbers = `${other.pid} ${(await readProcess(other.pid ?? 0))?.startTime}`
    const text = (await readFile(record, 'utf8')).replaceAll(/^(shim|child)=.*$/gm, `$1=${numbers}`)
    const longAgo = Date.now() - 3_600_000
    await writeFile(record, text.replace(/^boot=.*$/m, 'boot=another').replace(/^at=.*$/m, `at=${longAgo}`))
    agent = await start()
    const again = await inPhase('kept', 'Running', { starts: 4 })
    const command = await readFile(`/proc/${again.status?.runtimeId}/cmdline`, 'utf8')
    expect(command).toContain(path.join(agent.paths.data, 'machines', metadata.uid))
    expect(other.kill('SIGKILL')).toBe(true)
  })

  it('acceptance 14: one that is deleted while it runs leaves no process and no file', async () => {
    const { status } = await get('kept')
    expect(await left()).not.toEqual([])
    await admin.of(Vps).delete(at('kept'), { gracePeriodSeconds: 0 })
    await eventually(async () => expect((await admin.of(Vps).list()).items).toEqual([]), { timeoutMs: patienceMs })
    expect(await readFile(`/proc/${status?.runtimeId}/cmdline`, 'utf8').catch(() => '')).not.toContain('qemu')
    await eventually(async () => expect(await left()).toEqual([]))
  })

  it.each<[string, Partial<VpsManifest['spec']>, 'ImageReady' | 'DiskReady', string]>([
    ['an image that is not there', { image: 'ubuntu' }, 'ImageReady', 'there are guest'],
    ['a disk that is too small', { diskSize: '1Mi' }, 'DiskReady', 'a disk does not shrink'],
  ])('says in words what is wrong: %s', async (_name, spec, type, words) => {
    await create('wrong', spec)
    await eventually(async () => {
      const vps = await get('wrong')
      expect(findCondition(vps, type)?.message, JSON.stringify(vps.status)).toContain(words)
    })
    await admin.of(Vps).delete(at('wrong'), { gracePeriodSeconds: 0 })
    await eventually(async () => expect((await admin.of(Vps).list()).items).toEqual([]))
  })
})
