import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import { openGuestFence } from '../../network/guest-fence.js'
import { markedRules } from '../../network/marked-rules.js'
import { readEnvironment, readProcess } from '../supervision/proc.js'
import { engineArguments } from './engine-arguments.js'
import { withoutQemu } from './fixtures/guest-kernel.js'
import { findQemu, type QemuEngine } from './qemu-engine.js'
import { describeVmEnd, readLastWords } from './vm-end.js'
import { type ObservedVm, qmpSocketName, VmProcesses, vmName } from './vm-processes.js'

const searchPath = process.env.PATH ?? ''

describe.skipIf(withoutQemu)('QEMU processes', () => {
  const signal = AbortSignal.timeout(600_000)
  let folder: string
  let engine: QemuEngine
  let vms: VmProcesses
  let count = 0
  let id = { uid: 'vm-0', attempt: 0, run: 0 }

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-vms-'))
    const found = await findQemu({ binary: 'qemu-system-x86_64', directory: folder, searchPath })
    if ('missing' in found) throw new Error(found.missing)
    engine = found
    // A firmware of nothing but `hlt`: a guest that runs, needs no kernel, and feels no power button.
    await writeFile(path.join(folder, 'halt.bin'), Buffer.alloc(64 * 1024, 0xf4))
    vms = await open()
  })
  beforeEach(() => {
    id = { uid: `vm-${++count}`, attempt: 0, run: 0 }
  })
  afterAll(async () => {
    if (!vms) return
    for (const vm of await vms.observe()) await vms.remove(vm.id, signal)
    await vms.close()
    await rm(folder, { recursive: true, force: true })
  })

  const open = () => VmProcesses.open({ directory: path.join(folder, 'records'), searchPath, fence: openGuestFence(searchPath) })
  const logFile = () => path.join(folder, `${id.uid}.log`)
  async function launch(extra: string[] = [], name = vmName(id)): Promise<void> {
    const directory = path.join(folder, id.uid)
    await mkdir(directory, { recursive: true })
    const userId = process.getuid?.() === 0 ? 200_777 : undefined
    const command = [
      ...[engine.binary, '-machine', 'microvm', '-m', '16', '-bios', path.join(folder, 'halt.bin')],
      ...[...engineArguments({ engine: { ...engine, accelerator: 'tcg' }, name, qmpSocket: qmpSocketName, userId }), ...extra],
    ]
    await vms.launch({ id, namespace: 'default', name: 'subject', directory, command, userId, logFile: logFile() }, signal)
  }
  const inState = (state: ObservedVm['state']) =>
    eventually(async () => {
      const vm = await vms.find(id)
      expect(vm?.state).toBe(state)
      return vm as ObservedVm
    })
  const answers = () =>
    eventually(async () => {
      const qmp = await vms.connect(id, signal)
      const status = await qmp.execute('query-status')
      qmp.close()
      return status
    })
  const wordsOfEnd = async (vm: ObservedVm) => vm.exit && describeVmEnd(vm.exit, await readLastWords(logFile()))

  it('starts one once, which outlives the agent that started it and is found again by the next', async () => {
    await Promise.all([launch(), launch()])
    const before = await inState('running')
    expect(await answers()).toMatchObject({ status: 'running' })
    await vms.close()
    vms = await open()
    await launch()
    expect(await vms.find(id)).toEqual(before)
    expect(await answers()).toMatchObject({ status: 'running' })
    expect(await vms.usage(id.uid)).toMatchObject([
      { id, namespace: 'default', name: 'subject', memoryBytes: expect.toSatisfy((bytes) => bytes > 1024 ** 2) },
    ])
    await rm(path.join(folder, id.uid, qmpSocketName))
    await expect(vms.connect(id, signal)).rejects.toThrow(/^QEMU is starting: it does not take commands yet$/)
    const qemu = await readProcess(before.pid ?? 0)
    expect(qemu?.session).not.toBe((await readProcess(process.pid))?.session)
    expect(await readEnvironment(before.pid ?? 0)).toContain(`MILLRACE_RUN=${vmName(id)}`)
  })

  it.runIf(process.getuid?.() === 0)('gives up root', async () => {
    await launch()
    const { pid } = await inState('running')
    await answers()
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s200777\s200777\s200777\s200777$/m)
  })

  it.runIf(process.getuid?.() === 0)(
    'the fence of one that runs is there again after others took a rule of it, and goes with it',
    async () => {
      const rules = () => markedRules(execFileSync('iptables', ['-w', '20', '-S', 'OUTPUT'], { encoding: 'utf8' }), 'OUTPUT', vmName(id))
      await launch()
      await inState('running')
      const whole = rules()
      expect(whole.length).toBeGreaterThan(0)
      for (const taken of [whole.slice(0, 1), whole]) {
        for (const words of taken) execFileSync('iptables', ['-w', '20', '-D', 'OUTPUT', ...words])
        await vms.close()
        vms = await open()
        await eventually(() => expect(rules()).toEqual(whole))
      }
      await vms.remove(id, signal)
      expect(rules()).toEqual([])
    },
  )

  it('asks a guest politely, and kills the one that does not end in time', async () => {
    await launch()
    await inState('running')
    await answers()
    await vms.end(id, 100, signal)
    const vm = await inState('exited')
    expect(vm.exit).toMatchObject({ exitCode: 137, signal: 'SIGKILL' })
    await vms.end(id, 100, signal)
  })

  it('a QEMU that somebody kills has ended, and that is said', async () => {
    await launch()
    const { pid } = await inState('running')
    process.kill(pid ?? 0, 'SIGKILL')
    expect(await wordsOfEnd(await inState('exited'))).toBe('QEMU was killed with SIGKILL, by somebody or for want of memory')
  })

  it('a QEMU that cannot start has said why', async () => {
    await launch(['-drive', 'file=/no/such/disk.qcow2,if=none'])
    expect(await wordsOfEnd(await inState('exited'))).toMatch(/^QEMU ended with code 1: .*Could not open '\/no\/such\/disk.qcow2'/)
  })

  it('one whose shim was killed is not known to have ended, until its QEMU is surely gone', async () => {
    await launch()
    const { pid = 0 } = await inState('running')
    const shim = (await readProcess(pid))?.parent ?? 0
    process.kill(shim, 'SIGKILL')
    await inState('unknown')
    await vms.end(id, 600_000, signal)
    const vm = await inState('exited')
    expect(await wordsOfEnd(vm)).toBe('the process that watched over it was killed')
    expect((await readProcess(pid))?.state ?? 'Z').toBe('Z')
  })

  it('believes no other process that has its pid, and no other QEMU that has its socket', async () => {
    await launch([], 'another')
    const { pid } = await inState('running')
    await eventually(() => expect(vms.connect(id, signal)).rejects.toThrow(`named "another" answers where ${vmName(id)} should`))
    const record = path.join(folder, 'records', `${vmName(id)}.started`)
    const text = await readFile(record, 'utf8')
    await writeFile(record, text.replace(/^shim=(\d+) \d+$/m, 'shim=$1 1').replace(/^child=.*$/m, `child=${pid} 1`))
    const reopened = await open()
    expect((await reopened.find(id))?.state).toBe('unknown')
    await expect(reopened.connect(id, signal)).rejects.toThrow('not running')
    await reopened.close()
    await writeFile(record, text)
  })

  it('one of another boot has ended with it', async () => {
    await launch()
    const { pid = 0 } = await inState('running')
    const record = path.join(folder, 'records', `${vmName(id)}.started`)
    const text = await readFile(record, 'utf8')
    process.kill((await readProcess(pid))?.parent ?? 0, 'SIGKILL')
    await writeFile(record, text.replace(/^boot=.*$/m, 'boot=another'))
    const reopened = await open()
    expect((await reopened.find(id))?.state).toBe('unknown')
    await reopened.end(id, 0, signal)
    expect((await reopened.find(id))?.exit?.failure?.message).toBe('the node was restarted')
    await reopened.close()
    await eventually(async () => expect((await readProcess(pid))?.state ?? 'Z').toBe('Z'))
  })

  it('removal leaves no process, record or socket, and does not mind what is not there', async () => {
    await launch()
    const { pid = 0 } = await inState('running')
    await answers()
    await vms.remove(id, signal)
    await vms.remove(id, signal)
    expect(await vms.find(id)).toBeUndefined()
    expect((await readProcess(pid))?.state ?? 'Z').toBe('Z')
    expect((await readdir(path.join(folder, 'records'))).filter((name) => name.startsWith(`${id.uid}.`))).toEqual([])
    expect(await readdir(path.join(folder, id.uid))).toEqual([])
    await vms.end(id, 0, signal)
  })
})
