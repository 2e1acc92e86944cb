/**
 * What every backend keeps, as one suite: each feature that it declares works, and what it does not declare is refused. A backend's own test
 * file calls this with a way to open it; everything that runs is removed at the end.
 */

import { randomUUID } from 'node:crypto'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Task } from '../../lib/api/kinds/task.js'
import { defaultTaskSpec } from '../../lib/testing/a-task.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type Backend, BackendError, type LogLine, type LogOptions, type ObservedRun, type RunId, type RunSpec } from './backend.js'
import { NotListening } from './connect-to.js'
import type { ExecOrder, ExecSession } from './exec-session.js'
import { expectEchoes } from './fixtures/expect-echoes.js'

/** The programs of the suite, as the backend's own commands. */
export interface ContractPrograms {
  exit(code: number): string[]
  /** Runs until it is told to end. */
  sleep: string[]
  /** Runs on when it is told to end; prints `ready` once it would. */
  stubborn: string[]
  /** Prints a line on each stream, then ends. */
  print(out: string, err: string): string[]
  /** Prints the variable. */
  printEnv(name: string): string[]
  missing: string[]
  /** Listens on the TCP port, and says back what it hears. */
  echo(port: number): string[]
  /** Says every datagram back on a UDP port of the loopback. Absent where the backend's images have no program that could. */
  echoDatagrams?(port: number): string[]
  /** Uses more memory than `memoryLimit`. */
  hungry: string[]
}

export interface ContractSubject {
  /** Opens the backend on the same state each time: closing and opening again is an agent's restart. */
  open(): Promise<Backend>
  readonly programs: ContractPrograms
  /** Where the backend runs images: one that is present. */
  readonly image?: string
  /** Whether a start takes seconds: what is tried many times is then tried twice. */
  readonly slow?: boolean
  /** The memory that `hungry` does not get by with. Default: 32Mi. */
  readonly memoryLimit?: string
}

export function describeBackend(name: string, prepare: () => Promise<ContractSubject>, { sessions = true } = {}): void {
  describe(`the ${name} backend`, () => {
    let subject: ContractSubject
    let backend: Backend
    let home: string
    let logs: string
    const userId = 200_123
    const signal = AbortSignal.timeout(1_800_000)
    const runs: RunSpec[] = []

    beforeAll(async () => {
      home = await mkdtemp(path.join(tmpdir(), 'mr-home-'))
      logs = await mkdtemp(path.join(tmpdir(), 'mr-logs-'))
      subject = await prepare()
      backend = await subject.open()
      if (declares('separateUser')) await chown(home, userId, userId)
    })
    afterAll(async () => {
      for (const run of runs) await backend.remove(run.id, signal)
      await backend.close()
      await rm(home, { recursive: true, force: true })
      await rm(logs, { recursive: true, force: true })
    })

    function aRun(command: string[], spec: Partial<Task['spec']> = {}, id: Partial<RunId> = {}, env: Record<string, string> = {}): RunSpec {
      const run: RunSpec = {
        id: { uid: randomUUID(), attempt: 0, run: 0, ...id },
        namespace: 'default',
        name: 'subject',
        spec: { ...defaultTaskSpec, command, ...(subject.image ? { image: subject.image } : {}), ...spec },
        env,
        mounts: [],
        homeDirectory: home,
        logDirectory: path.join(logs, randomUUID()),
        ...(declares('separateUser') ? { userId } : {}),
      }
      runs.push(run)
      return run
    }
    const observed = async (run: RunSpec): Promise<ObservedRun | undefined> =>
      (await backend.observe(signal, run.id.uid)).find((other) => other.id.run === run.id.run)
    const inState = (run: RunSpec, state: ObservedRun['state']) =>
      eventually(async () => {
        const now = await observed(run)
        expect(now?.state).toBe(state)
        return now
      })
    const linesOf = async (run: RunSpec, options: Partial<LogOptions> = {}): Promise<LogLine[]> => {
      const lines: LogLine[] = []
      for await (const line of backend.logs(run.id, { logDirectory: run.logDirectory, follow: false, ...options }, signal)) lines.push(line)
      return lines
    }
    const declares = (feature: Parameters<Backend['features']['has']>[0]) => backend.features.has(feature)

    it('is available here, with a version', async () => {
      const info = await backend.info(signal)
      expect(info).toMatchObject({ available: true })
      expect(info.version).toBeTruthy()
    })

    it.runIf(sessions)('tells what a run uses while it runs, and nothing of it afterwards', async () => {
      if (!backend.usage) return
      const busy = aRun(['sh', '-c', 'while :; do :; done'])
      await backend.start(busy, signal)
      const used = async () => (await backend.usage?.(signal, busy.id.uid)) ?? []
      await eventually(
        async () =>
          expect(await used()).toMatchObject([{ id: busy.id, namespace: 'default', cpuNanos: expect.toSatisfy((nanos) => nanos >= 5e7) }]),
        { timeoutMs: 60_000 },
      )
      const [first] = await used()
      expect(first?.memoryBytes).toBeGreaterThan(0)
      await eventually(async () => expect((await used())[0]?.cpuNanos).toBeGreaterThan(first?.cpuNanos ?? 0), { timeoutMs: 60_000 })
      expect((await backend.usage(signal)).map(({ id }) => id.uid)).toContain(busy.id.uid)
      await backend.stop(busy.id, 0, signal)
      await inState(busy, 'exited')
      expect(await used()).toEqual([])
    })

    describe('a command that somebody runs inside of a run', () => {
      let run: RunSpec
      const open = (script: string, order: Partial<ExecOrder> = {}) =>
        backend.openExec(run.id, { command: ['sh', '-c', script], stdin: false, tty: false, ...order }, signal)
      /** What it says on each stream, and how it ends. */
      const heard = async (session: ExecSession) => {
        const [stdout, stderr, { exitCode }] = await Promise.all([
          text(session.stdout),
          session.stderr ? text(session.stderr) : undefined,
          session.ended,
        ])
        return { stdout, stderr, exitCode }
      }
      beforeAll(async () => {
        if (!sessions) return
        run = aRun(subject.programs.sleep, {}, {}, { COLOR: 'blue' })
        await backend.start(run, signal)
        await inState(run, 'running')
      }, 60_000)

      it('is refused where the backend cannot', async () => {
        const id = { uid: randomUUID(), attempt: 0, run: 0 }
        const order = { command: ['true'], stdin: false, tty: false }
        if (!sessions) await expect(backend.openExec(id, order, signal)).rejects.toMatchObject({ reason: 'Unsupported' })
      })

      it.runIf(sessions)('says its own on two streams, and ends with its exit code', async () => {
        expect(await heard(await open('echo "out $COLOR"; echo err >&2; exit 7'))).toEqual({
          stdout: 'out blue\n',
          stderr: 'err\n',
          exitCode: 7,
        })
      })

      it.runIf(sessions)('hears what it is told, until the end of it', async () => {
        const session = await open('cat; echo done; cat /dev/null > /dev/stdout', { stdin: true })
        session.stdin?.write('hello ')
        session.stdin?.end('there\n')
        expect(await heard(session)).toEqual({ stdout: 'hello there\ndone\n', stderr: '', exitCode: 0 })
      })

      it.runIf(sessions)('that cannot be run ends with 126 or 127, and says why', async () => {
        const session = await backend.openExec(run.id, { command: ['/no/such/command'], stdin: false, tty: false }, signal)
        const { stdout, stderr, exitCode } = await heard(session)
        expect([126, 127]).toContain(exitCode)
        expect(`${stdout}${stderr}`).toContain('/no/such/command')
      })

      it.runIf(sessions)('has a terminal when it asks for one, whose size follows', async () => {
        const session = await open(
          'test -t 0 && test -t 1 && test -t 2 && echo tty; until [ "$(stty size)" = "44 88" ]; do sleep 0.1; done; exit 5',
          {
            stdin: true,
            tty: true,
          },
        )
        const said = collect(session.stdout)
        session.resize({ rows: 33, columns: 77 })
        await eventually(() => expect(said()).toContain('tty'), { timeoutMs: 30_000 })
        session.resize({ rows: 44, columns: 88 })
        expect(session.stderr).toBeUndefined()
        expect(await session.ended).toEqual({ exitCode: 5 })
      })

      it.runIf(sessions)('that nobody reads is held up, and nothing piles up', async () => {
        const session = await open('dd if=/dev/zero bs=65536 count=1024 2>/dev/null; echo through >&2')
        const stderr = collect(session.stderr as Readable)
        await eventually(() => expect(session.stdout.readableLength).toBeGreaterThan(0))
        expect(session.stdout.readableLength).toBeLessThan(1024 * 1024)
        expect(stderr()).toBe('')
        let bytes = 0
        for await (const chunk of session.stdout) bytes += chunk.length
        expect([bytes, await session.ended]).toEqual([1024 * 65536, { exitCode: 0 }])
        expect(stderr()).toBe('through\n')
      })

      it.runIf(sessions).each([true, false])('is hung up on when nobody is there any more (terminal: %s)', async (tty) => {
        const session = await open('trap "echo hung-up > /tmp/mark-$$; exit" HUP; echo $$; while :; do sleep 0.1; done', { tty })
        const said = collect(session.stdout)
        await eventually(() => expect(said()).toMatch(/^\d+\r?\n/), { timeoutMs: 30_000 })
        const pid = said().trim()
        session.hangUp()
        await eventually(
          async () => {
            const { stdout } = await heard(await open(`cat /tmp/mark-${pid} 2>/dev/null; kill -0 ${pid} 2>/dev/null || echo gone`))
            expect(stdout).toBe('hung-up\ngone\n')
          },
          { timeoutMs: 30_000 },
        )
        await heard(await open(`rm /tmp/mark-${pid}`))
      })

      it.runIf(sessions)('is refused once the run has ended', async () => {
        const ended = aRun(subject.programs.exit(0))
        await backend.start(ended, signal)
        await inState(ended, 'exited')
        await expect(backend.openExec(ended.id, { command: ['true'], stdin: false, tty: false }, signal)).rejects.toMatchObject({
          message: expect.stringContaining('not running'),
        })
      })
    })

    describe('a connection to a port of a run', () => {
      // Below those that the kernel gives to outgoing connections.
      const port = 20_000 + (process.pid % 10_000)

      it('reaches what listens there, each half to its end', async () => {
        const run = aRun(subject.programs.echo(port))
        await backend.start(run, signal)
        await inState(run, 'running')
        if (!sessions) return await expect(backend.dialPort(run.id, port, 'tcp', signal)).rejects.toMatchObject({ reason: 'Unsupported' })
        const connection = await eventually(() => backend.dialPort(run.id, port, 'tcp', signal))
        connection.end('hello')
        expect(await text(connection)).toBe('hello')
        await expect(backend.dialPort(run.id, port + 1, 'tcp', signal)).rejects.toThrow(NotListening)
        await backend.remove(run.id, signal)
        await expect(backend.dialPort(run.id, port, 'tcp', signal)).rejects.toMatchObject({
          message: expect.stringContaining('not running'),
        })
      })

      it('by udp carries datagrams, each for itself', async () => {
        if (!sessions)
          return await expect(backend.dialPort(aRun([]).id, port, 'udp', signal)).rejects.toMatchObject({ reason: 'Unsupported' })
        if (!subject.programs.echoDatagrams) return
        const run = aRun(subject.programs.echoDatagrams(port + 2))
        await backend.start(run, signal)
        await inState(run, 'running')
        await expectEchoes(() => backend.dialPort(run.id, port + 2, 'udp', signal))
      })
    })

    it('reports how a run ended, exit code by exit code', async () => {
      const good = aRun(subject.programs.exit(0))
      const bad = aRun(subject.programs.exit(3))
      await backend.start(good, signal)
      await backend.start(bad, signal)
      expect((await inState(good, 'exited'))?.exit).toMatchObject({ exitCode: 0, oomKilled: false })
      const ended = await inState(bad, 'exited')
      expect(ended).toMatchObject({ id: bad.id, namespace: 'default', name: 'subject', exit: { exitCode: 3, oomKilled: false } })
      expect(Math.abs((ended?.exit?.finishedAtMs ?? 0) - Date.now())).toBeLessThan(60_000)
    })

    it('starts a run once, however often it is asked to', async () => {
      const run = aRun(subject.programs.sleep)
      await Promise.all([backend.start(run, signal), backend.start(run, signal)])
      const first = await inState(run, 'running')
      await backend.start(run, signal)
      expect(await backend.observe(signal, run.id.uid)).toHaveLength(1)
      expect((await observed(run))?.runtimeId).toBe(first?.runtimeId)
    })

    it('does not start again what has ended', async () => {
      const run = aRun(subject.programs.exit(4))
      await backend.start(run, signal)
      const ended = await inState(run, 'exited')
      await backend.start(run, signal)
      expect(await observed(run)).toEqual(ended)
    })

    it('a command that does not exist is a run that failed to start', async () => {
      const run = aRun(subject.programs.missing)
      await backend.start(run, signal)
      expect((await inState(run, 'exited'))?.exit).toMatchObject({ exitCode: 127, failure: { reason: 'CommandNotFound' } })
    })

    it('ends a run politely, and at once', async () => {
      const run = aRun(subject.programs.sleep)
      await backend.start(run, signal)
      await inState(run, 'running')
      await backend.stop(run.id, 600_000, signal)
      expect((await observed(run))?.exit).toMatchObject({ exitCode: 143, signal: 'SIGTERM', oomKilled: false })
    })

    it('ends what has only just begun: no polite signal is lost on the way', async () => {
      const started = Array.from({ length: subject.slow ? 2 : 8 }, () => aRun(subject.programs.sleep))
      for (const run of started) {
        await backend.start(run, signal)
        await backend.stop(run.id, 600_000, signal)
        expect((await observed(run))?.exit).toMatchObject({ exitCode: 143, signal: 'SIGTERM' })
      }
    })

    it('kills what does not end in time', async () => {
      const run = aRun(subject.programs.stubborn)
      await backend.start(run, signal)
      await eventually(async () => expect((await linesOf(run)).map(({ bytes }) => bytes.toString())).toEqual(['ready\n']))
      await backend.stop(run.id, 100, signal)
      expect((await observed(run))?.exit).toMatchObject({ exitCode: 137, signal: 'SIGKILL', oomKilled: false })
    })

    it('stopping and removing what is not there is no error', async () => {
      const id = { uid: randomUUID(), attempt: 0, run: 0 }
      await backend.stop(id, 0, signal)
      await backend.remove(id, signal)
    })

    it('a removed run is gone, even when it ran', async () => {
      const run = aRun(subject.programs.sleep)
      await backend.start(run, signal)
      await inState(run, 'running')
      await backend.remove(run.id, signal)
      expect(await backend.observe(signal, run.id.uid)).toEqual([])
    })

    it('tells that something changed', async () => {
      const run = aRun(subject.programs.exit(0))
      let hints = 0
      const unsubscribe = backend.subscribe(() => hints++)
      await backend.start(run, signal)
      await inState(run, 'exited')
      await eventually(() => expect(hints).toBeGreaterThan(0))
      unsubscribe()
    })

    it('finds its runs again after a restart, with the exit codes of what ended meanwhile', async () => {
      const lasting = aRun(subject.programs.sleep)
      const ending = aRun(subject.programs.exit(5))
      await backend.start(lasting, signal)
      await backend.start(ending, signal)
      const before = await inState(lasting, 'running')
      await backend.close()
      backend = await subject.open()
      expect(await observed(lasting)).toEqual(before)
      expect((await inState(ending, 'exited'))?.exit?.exitCode).toBe(5)
    })

    it('keeps runs of one workload apart, and shows all or those of one workload', async () => {
      const first = aRun(subject.programs.exit(1))
      const second = aRun(subject.programs.sleep, {}, { uid: first.id.uid, run: 1 })
      await backend.start(first, signal)
      await inState(first, 'exited')
      await backend.start(second, signal)
      await inState(second, 'running')
      expect((await backend.observe(signal, first.id.uid)).map(({ id }) => id.run).sort()).toEqual([0, 1])
      const all = await backend.observe(signal)
      expect(all.filter(({ id }) => id.uid === first.id.uid)).toHaveLength(2)
      expect(all.length).toBeGreaterThan(2)
    })

    it('gives the environment to the command', async () => {
      const run = aRun(subject.programs.printEnv('GREETING'), {}, {}, { GREETING: 'good = "day"\nto you' })
      await backend.start(run, signal)
      await inState(run, 'exited')
      expect((await linesOf(run)).map(({ bytes }) => bytes.toString()).join('')).toBe('good = "day"\nto you\n')
    })

    it('keeps what was printed on each stream, with times', async () => {
      const run = aRun(subject.programs.print('to out', 'to err'))
      await backend.start(run, signal)
      await inState(run, 'exited')
      const lines = await linesOf(run)
      expect(lines.map(({ stream, bytes }) => `${stream} ${bytes}`).sort()).toEqual(['stderr to err\n', 'stdout to out\n'])
      for (const line of lines) expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
      expect(await linesOf(run, { tailLines: 1 })).toEqual(lines.slice(1))
      expect(await linesOf(run, { tailLines: 0 })).toEqual([])
      expect(await linesOf(run, { sinceMs: Date.now() + 60_000 })).toEqual([])
      expect(await linesOf(run, { sinceMs: Date.now() - 3_600_000 })).toEqual(lines)
    })

    it('a followed log ends with the run', async () => {
      const run = aRun(subject.programs.stubborn)
      await backend.start(run, signal)
      await inState(run, 'running')
      const followed = linesOf(run, { follow: true })
      await eventually(async () => expect(await linesOf(run)).toHaveLength(1))
      await backend.stop(run.id, 100, signal)
      expect((await followed).map(({ bytes }) => bytes.toString())).toEqual(['ready\n'])
    })

    it('suspends and resumes, or refuses to', async () => {
      const run = aRun(subject.programs.sleep)
      await backend.start(run, signal)
      await inState(run, 'running')
      if (!declares('suspend')) return expect(backend.pause(run.id, signal)).rejects.toThrow(BackendError)
      await backend.pause(run.id, signal)
      await inState(run, 'paused')
      await backend.resume(run.id, signal)
      await inState(run, 'running')
      await backend.pause(run.id, signal)
      await backend.stop(run.id, 1000, signal)
      return inState(run, 'exited')
    })

    it('runs a command beside the run, or refuses to', async () => {
      const run = aRun(subject.programs.sleep, {}, {}, { GREETING: 'hello' })
      await backend.start(run, signal)
      await inState(run, 'running')
      if (!declares('exec')) return expect(backend.exec(run.id, ['true'], signal)).rejects.toThrow(BackendError)
      expect(await backend.exec(run.id, subject.programs.exit(7), signal)).toMatchObject({ exitCode: 7 })
      expect(await backend.exec(run.id, subject.programs.printEnv('GREETING'), signal)).toEqual({ exitCode: 0, output: 'hello\n' })
      expect(await backend.exec(run.id, subject.programs.missing, signal)).toMatchObject({ exitCode: 127 })
    })

    it('ends what needs more memory than its limit and says so, or does not declare the limit', async () => {
      if (!declares('memoryLimit')) return
      const run = aRun(subject.programs.hungry, { resources: { limits: { memory: subject.memoryLimit ?? '32Mi' } } })
      await backend.start(run, signal)
      expect((await inState(run, 'exited'))?.exit).toMatchObject({ oomKilled: true })
    })

    it('refuses images, privileges and mounts that it does not declare', async () => {
      if (!declares('image'))
        await expect(backend.prepareImage('busybox:1.36', 'IfNotPresent', () => {}, signal)).rejects.toMatchObject({
          reason: 'Unsupported',
        })
      if (!declares('privileged'))
        await expect(backend.start(aRun(subject.programs.sleep, { privileged: true }), signal)).rejects.toMatchObject({
          reason: 'Unsupported',
        })
      if (!declares('mounts')) {
        const run = aRun(subject.programs.sleep)
        const mounts = [{ volume: 'data', source: home, target: '/data', readOnly: false }]
        await expect(backend.start({ ...run, mounts }, signal)).rejects.toMatchObject({ reason: 'Unsupported' })
      }
    })

    it('keeps a run on its NUMA node, or refuses to', async () => {
      const run = { ...aRun(subject.programs.exit(0)), numaNode: 0 }
      if (!declares('numa')) return expect(backend.start(run, signal)).rejects.toMatchObject({ reason: 'Unsupported' })
      await backend.start(run, signal)
      await inState(run, 'exited')
      const absent = { ...aRun(subject.programs.exit(0)), numaNode: 99 }
      return expect(backend.start(absent, signal)).rejects.toMatchObject({ reason: 'Unsupported' })
    })

    it('a uid that is no plain word reaches no path', async () => {
      const run = aRun(subject.programs.sleep, {}, { uid: '../../etc' })
      runs.pop()
      await expect(backend.start(run, signal)).rejects.toThrow()
    })
  })
}

/** What has come so far. */
function collect(from: Readable): () => string {
  let said = ''
  from.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  return () => said
}
