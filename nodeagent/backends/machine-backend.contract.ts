/**
 * What every machine backend keeps, as one suite: each feature that it declares works, and what it does not declare is
 * refused. A backend's own test file calls this with a way to open it; everything that is made is removed at the end.
 * Starting a machine may take a while, so one serves several tests.
 */
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VpsSpec } from '../../lib/api/kinds/vps.js'
import { defaultVpsSpec } from '../../lib/testing/a-vps.js'
import { eventually } from '../../lib/testing/eventually.js'
import { BackendError } from './backend.js'
import { NotListening } from './connect-to.js'
import { SftpProbe } from './fixtures/sftp-probe.js'
import type { DiskSource, MachineBackend, MachineFeature, MachineSpec, ObservedMachine } from './machine-backend.js'

export interface MachineSubject {
  /** Opens the backend on the same state each time: closing and opening again is an agent's restart. */
  open(): Promise<MachineBackend>
  /** What a machine of the suite is made of. */
  readonly spec: Partial<VpsSpec> & Pick<VpsSpec, 'image'>
  /** A command that listens on the TCP port of the machine, and says back what it hears. */
  echo(port: number): readonly string[]
  /** How long a start takes at most. Default 60 s. */
  readonly startTimeoutMs?: number
}

const image: DiskSource = { type: 'image' }

export function describeMachines(name: string, prepare: () => Promise<MachineSubject>): void {
  describe(`machines of the ${name} backend`, () => {
    let subject: MachineSubject
    let backend: MachineBackend
    let folder: string
    const signal = AbortSignal.timeout(3_600_000)
    const machines: MachineSpec[] = []
    const snapshots: string[] = []
    const timeout = 300_000

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'mr-machines-'))
      subject = await prepare()
      backend = await subject.open()
    }, timeout)
    afterAll(async () => {
      for (const { uid } of machines) await backend.removeMachine(uid, signal)
      for (const uid of snapshots) await backend.removeSnapshot(uid, signal)
      expect(await backend.observeSnapshots(signal)).toEqual([])
      await backend.close()
      await rm(folder, { recursive: true, force: true })
    }, timeout)

    function aMachine(spec: Partial<VpsSpec> = {}, uid: string = randomUUID()): MachineSpec {
      const machine = {
        uid,
        namespace: 'default',
        name: 'subject',
        spec: { ...defaultVpsSpec, ...subject.spec, ...spec },
        authorizedKeys: [],
      }
      machines.push(machine)
      return machine
    }
    const aSnapshot = () => {
      const uid = randomUUID()
      snapshots.push(uid)
      return uid
    }
    const of = (uid: string): DiskSource & { type: 'snapshot' } => ({
      type: 'snapshot',
      snapshotUid: uid,
      name: `snapshot-${uid}`,
      request: '1',
    })
    const observed = async ({ uid }: MachineSpec): Promise<ObservedMachine | undefined> => (await backend.observeMachines(signal, uid))[0]
    const begin = async (machine: MachineSpec, source: DiskSource = image) => {
      await backend.prepareMachineImage(machine.spec, () => {}, signal)
      await backend.createMachine(machine, source, signal)
      await backend.startMachine(machine, signal)
      await canExec(machine)
      return machine
    }
    const run = async ({ uid }: MachineSpec, command: readonly string[], input?: string) => {
      const session = await backend.openMachineExec(uid, { command, stdin: input !== undefined, tty: false }, signal)
      session.stdin?.end(input)
      const [out, error, { exitCode }] = await Promise.all([
        text(session.stdout),
        session.stderr ? text(session.stderr) : '',
        session.ended,
      ])
      return { out, error, exitCode }
    }
    const shell = (machine: MachineSpec, script: string) => run(machine, ['sh', '-c', script])
    /** A machine that was started may still boot. */
    const canExec = (machine: MachineSpec) =>
      eventually(async () => expect(await shell(machine, 'echo up')).toMatchObject({ out: 'up\n' }), {
        timeoutMs: subject.startTimeoutMs ?? 60_000,
      })
    const write = async (machine: MachineSpec, file: string, content: string) =>
      expect(await shell(machine, `printf %s '${content}' > /etc/${file} && sync`)).toMatchObject({ exitCode: 0 })
    const read = async (machine: MachineSpec, file: string) => (await shell(machine, `cat /etc/${file}`)).out
    const declares = (feature: MachineFeature) => backend.machineFeatures.has(feature)
    const unsupported = { name: 'BackendError', reason: 'Unsupported', retryable: false }

    it('are kept by a backend that is available here, with a version', async () => {
      expect(await backend.info(signal)).toMatchObject({ available: true, version: expect.any(String) })
    })

    describe('one that lives', () => {
      let machine: MachineSpec

      beforeAll(async () => {
        machine = aMachine()
      })

      it('is made stopped, once', { timeout }, async () => {
        expect(await observed(machine)).toBeUndefined()
        await backend.prepareMachineImage(machine.spec, () => {}, signal)
        await backend.createMachine(machine, image, signal)
        await backend.createMachine(machine, image, signal)
        expect(await observed(machine)).toMatchObject({ uid: machine.uid, namespace: 'default', name: 'subject', state: 'stopped' })
        await expect(run(machine, ['true'])).rejects.toBeInstanceOf(BackendError)
      })

      it('is started, once', { timeout }, async () => {
        await backend.startMachine(machine, signal)
        await canExec(machine)
        const first = await observed(machine)
        expect(first).toMatchObject({ state: 'running', runtimeId: expect.any(String), startedAtMs: expect.any(Number) })
        await backend.startMachine(machine, signal)
        expect(await observed(machine)).toMatchObject({ runtimeId: first?.runtimeId, startedAtMs: first?.startedAtMs })
      })

      it('runs commands, with their input, their streams and their exit code', { timeout }, async () => {
        expect(await run(machine, ['sh', '-c', 'cat; echo err >&2; exit 7'], 'in')).toEqual({ out: 'in', error: 'err\n', exitCode: 7 })
        expect([126, 127]).toContain((await run(machine, ['/no/such/command'])).exitCode)
      })

      it('leaves running what a command that has ended left behind', { timeout }, async () => {
        const start = 'sleep 1000 >/dev/null 2>&1 </dev/null & echo $! > /etc/left'
        const ended = await backend.openMachineExec(machine.uid, { command: ['sh', '-c', start], stdin: false, tty: false }, signal)
        ended.stdout.resume()
        ended.stderr?.resume()
        expect(await ended.ended).toEqual({ exitCode: 0 })
        ended.hangUp()
        // By the time that another, which runs on, has been told, the first would have been.
        const order = { command: ['sleep', '1000'], stdin: false, tty: false }
        const other = await backend.openMachineExec(machine.uid, order, signal)
        other.stdout.resume()
        other.stderr?.resume()
        other.hangUp()
        await other.ended.catch(() => {})
        expect((await shell(machine, 'kill $(cat /etc/left) && echo ran')).out).toBe('ran\n')
      })

      it('has a login shell for whoever names no command', { timeout }, async () => {
        expect(await run(machine, [], 'echo "shell: $0"; exit 3\n')).toMatchObject({ out: expect.stringContaining('shell: '), exitCode: 3 })
      })

      it('is said to use what it uses', { timeout }, async () => {
        const used = await backend.machineUsage(signal, machine.uid)
        expect(used).toMatchObject([{ uid: machine.uid, namespace: 'default', name: 'subject' }])
        expect(Math.min(...used.flatMap(({ cpuNanos, memoryBytes }) => [cpuNanos, memoryBytes]))).toBeGreaterThan(0)
        expect((await backend.machineUsage(signal)).map(({ uid }) => uid)).toContain(machine.uid)
        expect(await backend.machineUsage(signal, aMachine().uid)).toEqual([])
      })

      it('is connected to on its ports', { timeout }, async () => {
        const server = await backend.openMachineExec(machine.uid, { command: subject.echo(7070), stdin: false, tty: false }, signal)
        const connection = await eventually(() => backend.dialMachine(machine.uid, 7070, 'tcp', signal))
        const heard = new Promise((resolve) => connection.once('data', (bytes) => resolve(String(bytes))))
        connection.write('hello')
        expect(await heard).toBe('hello')
        connection.destroy()
        server.hangUp()
        await expect(backend.dialMachine(machine.uid, 7071, 'tcp', signal)).rejects.toBeInstanceOf(NotListening)
      })

      it('shows its files, to be read and written', { timeout }, async () => {
        const sftp = new SftpProbe(await backend.openMachineFiles(machine.uid, signal))
        const bytes = Buffer.alloc(200_000, 'x')
        await sftp.init()
        await sftp.write('/etc/by-sftp', bytes)
        expect((await shell(machine, 'wc -c < /etc/by-sftp')).out.trim()).toBe('200000')
        await write(machine, 'by-exec', 'content')
        expect((await sftp.read('/etc/by-exec')).toString()).toBe('content')
        expect(await sftp.list('/etc')).toEqual(expect.arrayContaining(['by-sftp', 'by-exec']))
        await expect(sftp.read('/etc/none')).rejects.toThrow('status 2')
        sftp.end()
      })

      it('goes on while the agent is away, and is found again', { timeout }, async () => {
        const before = await observed(machine)
        await backend.close()
        backend = await subject.open()
        // What the guest answers is asked anew.
        expect({ ...(await observed(machine)), answer: undefined }).toEqual({ ...before, answer: undefined })
        expect(await shell(machine, 'echo here')).toMatchObject({ out: 'here\n' })
      })

      it('keeps its disk over a stop and a start', { timeout }, async () => {
        await write(machine, 'kept', 'over a stop')
        await backend.stopMachine(machine.uid, 30_000, signal)
        expect(await observed(machine)).toMatchObject({ state: 'stopped', stoppedAtMs: expect.any(Number) })
        await backend.stopMachine(machine.uid, 30_000, signal)
        await expect(run(machine, ['true'])).rejects.toBeInstanceOf(BackendError)
        await backend.startMachine(machine, signal)
        await canExec(machine)
        expect(await read(machine, 'kept')).toBe('over a stop')
      })

      it('gets other resources: while it runs, or at its next start', { timeout }, async () => {
        const larger = { ...machine, spec: { ...machine.spec, resources: { limits: { cpu: '1', memory: '192Mi' } } } }
        if (declares('resizeWhileRunning')) await backend.resizeMachine(larger, signal)
        else {
          await expect(backend.resizeMachine(larger, signal)).rejects.toMatchObject(unsupported)
          await backend.stopMachine(machine.uid, 30_000, signal)
          await backend.startMachine(larger, signal)
          await canExec(machine)
        }
        expect(await observed(machine)).toMatchObject({ state: 'running', cpuMillis: 1000, memoryBytes: 192 * 1024 ** 2 })
      })

      it('has a console and a reset button where the backend says so', { timeout }, async () => {
        if (declares('console')) (await backend.openMachineConsole(machine.uid, signal)).destroy()
        else await expect(backend.openMachineConsole(machine.uid, signal)).rejects.toMatchObject(unsupported)
        if (!declares('reset')) return expect(backend.resetMachine(machine.uid, signal)).rejects.toMatchObject(unsupported)
        await write(machine, 'kept', 'over a reset')
        await backend.resetMachine(machine.uid, signal)
        await canExec(machine)
        expect(await read(machine, 'kept')).toBe('over a reset')
      })

      it('has snapshots: its disk is put back, and each of them stands alone', { timeout }, async () => {
        const [first, second] = [aSnapshot(), aSnapshot()]
        await write(machine, 'state', 'good')
        const taken = await backend.takeSnapshot(machine.uid, first, signal)
        expect(taken).toMatchObject({ uid: first, machineUid: machine.uid, takenAtMs: expect.any(Number), sizeBytes: expect.any(Number) })
        expect(await backend.takeSnapshot(machine.uid, first, signal)).toEqual(taken)
        await write(machine, 'state', 'better')
        await backend.takeSnapshot(machine.uid, second, signal)
        await write(machine, 'state', 'broken')
        expect((await backend.observeSnapshots(signal)).map(({ uid }) => uid).sort()).toEqual([first, second].sort())

        await backend.stopMachine(machine.uid, 30_000, signal)
        await backend.restoreMachine(machine, of(second), signal)
        expect(await observed(machine)).toMatchObject({ state: 'stopped', restoredFrom: { name: `snapshot-${second}`, request: '1' } })
        await backend.removeSnapshot(second, signal)
        await backend.removeSnapshot(second, signal)
        await backend.startMachine(machine, signal)
        await canExec(machine)
        expect(await read(machine, 'state')).toBe('better')

        await backend.stopMachine(machine.uid, 30_000, signal)
        await backend.restoreMachine(machine, of(first), signal)
        await backend.restoreMachine(machine, of(first), signal)
        await backend.startMachine(machine, signal)
        await canExec(machine)
        expect(await read(machine, 'state')).toBe('good')
        expect(await read(machine, 'kept')).toMatch(/^over a/)
        expect((await backend.observeMachines(signal)).filter(({ uid }) => uid === machine.uid)).toHaveLength(1)
        await expect(backend.restoreMachine(machine, of(second), signal)).rejects.toBeInstanceOf(BackendError)
      })

      it('leaves nothing when it is removed while it runs, but its snapshots, and others are made of them', { timeout }, async () => {
        const snapshot = aSnapshot()
        await write(machine, 'state', 'last')
        await backend.takeSnapshot(machine.uid, snapshot, signal)
        await backend.removeMachine(machine.uid, signal)
        await backend.removeMachine(machine.uid, signal)
        expect(await observed(machine)).toBeUndefined()
        expect((await backend.observeSnapshots(signal)).map(({ uid }) => uid)).toContain(snapshot)

        const exported = await backend.exportSnapshot(snapshot, signal)
        expect(exported).toMatchObject({
          sizeBytes: (await stat(exported.path)).size,
          digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        })
        expect(await backend.exportSnapshot(snapshot, signal)).toEqual(exported)
        const [copy, fetched] = [aSnapshot(), path.join(folder, 'fetched')]
        await pipeline(createReadStream(exported.path), createWriteStream(fetched))
        await backend.removeSnapshot(snapshot, signal)
        await backend.importSnapshot(fetched, copy, machine.uid, signal)
        await backend.importSnapshot(fetched, copy, machine.uid, signal)
        await expect(stat(fetched)).rejects.toMatchObject({ code: 'ENOENT' })
        expect(await backend.observeSnapshots(signal)).toEqual(
          expect.arrayContaining([expect.objectContaining({ uid: copy, machineUid: machine.uid })]),
        )

        const other = await begin(aMachine(), of(copy))
        expect(await read(other, 'state')).toBe('last')
        expect(await observed(other)).toMatchObject({ restoredFrom: { name: `snapshot-${copy}`, request: '1' } })
        await backend.removeMachine(other.uid, signal)
      })
    })

    it('say in words that their image is not there', { timeout }, async () => {
      const machine = aMachine({ image: 'no-such-image-here', imagePullPolicy: 'Never' })
      await expect(backend.prepareMachineImage(machine.spec, () => {}, signal)).rejects.toMatchObject({
        name: 'BackendError',
        reason: 'ImageNotFound',
        message: expect.stringContaining('no-such-image-here'),
      })
    })

    it('that are not there are stopped and removed without a word', async () => {
      const uid = randomUUID()
      await backend.stopMachine(uid, 0, signal)
      await backend.removeMachine(uid, signal)
      await backend.removeSnapshot(uid, signal)
    })
  })
}
