/** MILLRACE_TEST_LONG=1 runs the whole contract, which boots some thirty guests; else two are booted. */
import { link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultTaskSpec } from '../../../lib/testing/a-task.js'
import { eventually } from '../../../lib/testing/eventually.js'
import { openGuestFence } from '../../network/guest-fence.js'
import type { ObservedRun, RunSpec } from '../backend.js'
import { type Cgroups, openCgroups } from '../cgroups/cgroups.js'
import { NotListening } from '../connect-to.js'
import { describeBackend } from '../contract/backend.contract.js'
import type { ContractPrograms } from '../contract/contract-bed.contract.js'
import { readProcess } from '../supervision/proc.js'
import { withoutQemu } from './fixtures/guest-kernel.js'
import { makeMicrovmImage } from './fixtures/microvm-image.js'
import { pressReset } from './microvm/wake-guest.js'
import { QemuBackend } from './qemu-backend.js'
import { QmpClient } from './qmp-client.js'

const isLong = process.env.MILLRACE_TEST_LONG === '1'
const isRoot = process.getuid?.() === 0
const bootDeadlineMs = 240_000
const shell = (script: string) => ['sh', '-c', script]

describe.skipIf(withoutQemu)('microVMs', () => {
  const signal = AbortSignal.timeout(7_200_000)
  let directory: string
  let cgroups: Cgroups | undefined
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'mr-qemu-'))
    await makeMicrovmImage(path.join(directory, 'images'))
    cgroups = await openCgroups()
  }, bootDeadlineMs)
  afterAll(async () => await rm(directory, { recursive: true, force: true }))

  const open = (state: string, binary = 'qemu-system-x86_64') =>
    QemuBackend.open({
      directory: path.join(directory, state),
      imageDirectory: path.join(directory, 'images'),
      binary,
      separateUsers: isRoot,
      cgroups,
      fence: openGuestFence(process.env.PATH ?? ''),
      searchPath: process.env.PATH ?? '',
    })

  if (isLong) {
    const programs: ContractPrograms = {
      exit: (code) => shell(`exit ${code}`),
      sleep: ['sleep', '600'],
      stubborn: shell('trap "" TERM; echo ready; while :; do sleep 1; done'),
      print: (out, err) => shell(`echo "${out}"; echo "${err}" >&2`),
      printEnv: (name) => shell(`printf '%s\\n' "$${name}"`),
      echo: (port) => ['nc', '-ll', '-p', String(port), '-e', 'cat'],
      missing: ['/no/such/command'],
      hungry: ['tail', '/dev/zero'],
    }
    const prepare = async () => ({ open: () => open('contract'), programs, image: 'busybox', memoryLimit: '256Mi', slow: true })
    describeBackend('qemu', prepare, { patienceMs: bootDeadlineMs })
  }

  describe('of tasks', () => {
    let backend: QemuBackend
    let count = 0
    const runs: RunSpec[] = []
    beforeAll(async () => {
      backend = await open('state')
    })
    afterAll(async () => {
      for (const run of runs) await backend.remove(run.id, signal)
      await backend.close()
    })

    function aRun(command: string[], more: Partial<RunSpec> = {}, spec: Partial<RunSpec['spec']> = {}): RunSpec {
      const uid = `microvm-${++count}`
      const run: RunSpec = {
        id: { uid, attempt: 0, run: 0 },
        namespace: 'default',
        name: 'subject',
        spec: { ...defaultTaskSpec, backend: 'qemu', image: 'busybox', command, ...spec },
        env: { GREETING: 'it\'s "fine"\nhere' },
        mounts: [],
        logDirectory: path.join(directory, 'logs', uid),
        ...(isRoot ? { userId: 200_123 } : {}),
        ...more,
      }
      runs.push(run)
      return run
    }
    const observed = async (run: RunSpec) => (await backend.observe(signal, run.id.uid))[0]
    const inState = (run: RunSpec, state: ObservedRun['state']) =>
      eventually(
        async () => {
          const now = await observed(run)
          expect(now?.state).toBe(state)
          return now as ObservedRun
        },
        { timeoutMs: bootDeadlineMs },
      )
    const linesOf = async (run: RunSpec) => {
      const lines: string[] = []
      for await (const line of backend.logs(run.id, { logDirectory: run.logDirectory, follow: false }, signal))
        lines.push(`${line.stream} ${line.bytes}`)
      return lines.sort()
    }

    it('are offered with QEMU, its accelerator and the images that are there', async () => {
      const info = await backend.info()
      expect(info).toMatchObject({ available: true, isolation: 'vm', limits: 'enforced', images: [{ names: ['busybox'] }] })
      expect(info.message).toMatch(/^guests run (on KVM|without KVM, and therefore slowly): /)
      const without = await open('without', 'no-such-qemu')
      expect(await without.info()).toMatchObject({ available: false, message: expect.stringContaining('apt-get install qemu-system-x86') })
      await expect(without.start(aRun(['true']), signal)).rejects.toMatchObject({ reason: 'BackendUnavailable', retryable: true })
      await without.close()
    })

    it('of an image that is not there name what is', async () => {
      await expect(backend.prepareImage('alpine')).rejects.toMatchObject({
        reason: 'ImageNotFound',
        message: `alpine.vmlinuz and alpine.initrd not found in the image directory ${directory}/images; there is busybox`,
      })
      await expect(backend.prepareImage('../busybox')).rejects.toMatchObject({ reason: 'InvalidImageName' })
      await backend.prepareImage('busybox')
    })

    it.each<[string, Partial<RunSpec>, Partial<RunSpec['spec']>]>([
      ['privileges', {}, { privileged: true }],
      ['volumes', { mounts: [{ volume: 'data', source: '/tmp', readOnly: false }] }, {}],
      ['GPUs', { gpus: [{ index: 0 }] }, {}],
      ['too little memory', {}, { resources: { limits: { memory: '64Mi' } } }],
      ['no command', {}, { command: [] }],
    ])('with %s are refused', async (_name, more, spec) => {
      await expect(backend.start(aRun(['true'], more, spec), signal)).rejects.toMatchObject({ reason: 'Unsupported', retryable: false })
    })

    it('live: they speak, are looked into, paused, adopted and ended politely, and leave nothing', {
      timeout: 2 * bootDeadlineMs,
    }, async () => {
      const script = 'trap "echo bye; exit 7" TERM; nc -ll -p 8080 -e cat & echo "out $GREETING"; echo err >&2; while :; do sleep 0.1; done'
      const run = aRun(shell(script), {}, { resources: { limits: { memory: '256Mi', cpu: '2' } } })
      await Promise.all([backend.start(run, signal), backend.start(run, signal)])
      const before = await inState(run, 'running')
      await eventually(async () => expect(await linesOf(run)).toEqual(['stderr err\n', 'stdout here\n', 'stdout out it\'s "fine"\n']), {
        timeoutMs: bootDeadlineMs,
      })

      expect(await backend.exec(run.id, shell('echo "$GREETING"; exit 9'), signal)).toEqual({ exitCode: 9, output: 'it\'s "fine"\nhere\n' })
      const session = await backend.openExec(run.id, { command: shell('cat; nproc; echo no >&2'), stdin: true, tty: false }, signal)
      session.stdin?.end('hello\n')
      const said = await Promise.all([text(session.stdout), session.stderr && text(session.stderr), session.ended])
      expect(said).toEqual(['hello\n2\n', 'no\n', { exitCode: 0 }])
      const connection = await eventually(() => backend.dialPort(run.id, 8080, 'tcp', signal))
      connection.end('echo')
      expect(await text(connection)).toBe('echo')
      await expect(backend.dialPort(run.id, 8081, 'tcp', signal)).rejects.toThrow(NotListening)

      await backend.pause(run.id, signal)
      await inState(run, 'paused')
      await expect(backend.openExec(run.id, { command: ['true'], stdin: false, tty: false }, signal)).rejects.toThrow('paused')
      await backend.close()
      backend = await open('state')
      expect(await observed(run)).toEqual({ ...before, state: 'paused' })
      await backend.resume(run.id, signal)
      await inState(run, 'running')

      await backend.stop(run.id, bootDeadlineMs, signal)
      expect((await observed(run))?.exit).toMatchObject({ exitCode: 7, oomKilled: false })
      expect(await linesOf(run)).toContain('stdout bye\n')
      await expect(backend.exec(run.id, ['true'], signal)).rejects.toThrow('not running')
      await backend.remove(run.id, signal)
      expect(await observed(run)).toBeUndefined()
      expect(await readdir(path.join(directory, 'state/runs'))).toEqual([])
      expect(await readdir(path.join(directory, 'state/records'))).toEqual([])
    })

    // Their kernel takes its processor for so slow that it does without the timer, as one does that was put aside while it measured.
    it.runIf(isLong)('that lost their timer while they booted are reset', { timeout: bootDeadlineMs }, async () => {
      const images = path.join(directory, 'images')
      for (const suffix of ['vmlinuz', 'initrd'])
        await link(path.join(images, `busybox.${suffix}`), path.join(images, `timerless.${suffix}`))
      await writeFile(path.join(images, 'timerless.cmdline'), 'tsc_early_khz=1000 ignore_loglevel')
      const run = aRun(['true'], {}, { image: 'timerless' })
      await backend.start(run, signal)
      const boots = async () => (await linesOf(run)).filter((line) => line.includes('Linux version')).length
      await eventually(async () => expect(await boots()).toBeGreaterThan(1), { timeoutMs: bootDeadlineMs })
      expect((await linesOf(run)).join('')).toContain('APIC frequency too slow, disabling apic timer')
      expect((await observed(run))?.state).toBe('running')
    })

    it.runIf(isLong)('that were reset while they booted run their task, once', { timeout: 2 * bootDeadlineMs }, async () => {
      const run = aRun(shell('echo once; exit 7'))
      await backend.start(run, signal)
      const socket = path.join(directory, 'state/runs', `${run.id.uid}.0.0`, 'qmp.sock')
      const qmp = await eventually(() => QmpClient.connect(socket, signal), { timeoutMs: bootDeadlineMs })
      const reset = new Promise((resolve) => qmp.onEvent(({ event }) => event === 'RESET' && resolve(event)))
      await pressReset(qmp)
      await reset
      qmp.close()
      expect((await inState(run, 'exited')).exit).toMatchObject({ exitCode: 7 })
      expect(await linesOf(run)).toEqual(['stdout once\n'])
    })

    it('of a command that does not exist say so', { timeout: 2 * bootDeadlineMs }, async () => {
      const run = aRun(['/no/such/command'])
      await backend.start(run, signal)
      expect((await inState(run, 'exited')).exit).toMatchObject({
        exitCode: 127,
        failure: { reason: 'CommandNotFound', message: 'cannot run /no/such/command: the image has no such program' },
      })
    })

    it('whose QEMU is killed are lost, in words; those that the agent ends are not', async () => {
      const lost = aRun(['sleep', '600'])
      await backend.start(lost, signal)
      process.kill(Number((await inState(lost, 'running')).runtimeId), 'SIGKILL')
      expect((await inState(lost, 'exited')).exit).toMatchObject({
        exitCode: 255,
        failure: { reason: 'RunLost', message: 'QEMU was killed with SIGKILL, by somebody or for want of memory' },
      })
      const ended = aRun(['sleep', '600'])
      await backend.start(ended, signal)
      await backend.stop(ended.id, 0, signal)
      expect((await observed(ended))?.exit).toEqual({
        exitCode: 137,
        signal: 'SIGKILL',
        oomKilled: false,
        finishedAtMs: expect.any(Number),
      })
    })

    it('that cannot start say what QEMU said', async () => {
      const taken = aRun(['true'], {}, { ports: [{ port: 80, protocol: 'TCP', hostPort: 1 }] })
      await writeFile(path.join(directory, 'images/broken.vmlinuz'), 'no kernel')
      await writeFile(path.join(directory, 'images/broken.initrd'), '')
      const broken = { ...taken, spec: { ...taken.spec, image: 'broken', ports: [] } }
      await backend.start(broken, signal)
      expect((await inState(broken, 'exited')).exit?.failure).toMatchObject({
        reason: 'StartFailed',
        message: expect.stringContaining('QEMU ended'),
      })
    })

    it('that are removed while they boot are gone', async () => {
      const run = aRun(['sleep', '600'])
      await backend.start(run, signal)
      const { runtimeId } = await inState(run, 'running')
      await backend.remove(run.id, signal)
      expect(await backend.observe(signal, run.id.uid)).toEqual([])
      expect((await readProcess(Number(runtimeId)))?.state ?? 'Z').toBe('Z')
      expect(await readdir(path.join(directory, 'state/runs'))).not.toContain(`${run.id.uid}.0.0`)
    })

    it('whose start was cut off anywhere are started or cleared by the next agent', async () => {
      const run = aRun(['sleep', '600'])
      const key = `${run.id.uid}.0.0`
      await mkdir(path.join(directory, 'state/runs', key))
      await backend.close()
      backend = await open('state')
      expect(await readdir(path.join(directory, 'state/runs'))).not.toContain(key)
      const record = { id: run.id, namespace: 'default', name: 'subject', workingDirectory: path.join(directory, 'state/runs', key) }
      await writeFile(path.join(directory, 'state/records', `${key}.run`), JSON.stringify(record))
      expect((await observed(run))?.state).toBe('created')
      await backend.start(run, signal)
      await inState(run, 'running')
    })
  })
})
