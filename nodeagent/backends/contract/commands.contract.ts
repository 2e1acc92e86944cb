import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, it } from 'vitest'
import { BackendError, type RunSpec } from '../backend.js'
import type { ExecOrder, ExecSession } from '../exec-session.js'
import type { ContractBed, ContractOptions } from './contract-bed.contract.js'

/** Commands that run beside a run: for somebody who looks on, and for probes. */
export function describeCommands(bed: ContractBed, { sessions, patienceMs }: ContractOptions): void {
  const { aRun, inState, declares, signal } = bed

  describe('a command that somebody runs inside of a run', () => {
    let run: RunSpec
    const open = (script: string, order: Partial<ExecOrder> = {}) =>
      bed.backend.openExec(run.id, { command: ['sh', '-c', script], stdin: false, tty: false, ...order }, signal)
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
      run = aRun(bed.subject.programs.sleep, {}, {}, { COLOR: 'blue' })
      await bed.backend.start(run, signal)
      await inState(run, 'running')
    }, patienceMs)

    it('is refused where the backend cannot', async () => {
      const id = { uid: randomUUID(), attempt: 0, run: 0 }
      const order = { command: ['true'], stdin: false, tty: false }
      if (!sessions) await expect(bed.backend.openExec(id, order, signal)).rejects.toMatchObject({ reason: 'Unsupported' })
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
      const session = await bed.backend.openExec(run.id, { command: ['/no/such/command'], stdin: false, tty: false }, signal)
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
      await bed.eventually(() => expect(said()).toContain('tty'))
      session.resize({ rows: 44, columns: 88 })
      expect(session.stderr).toBeUndefined()
      expect(await session.ended).toEqual({ exitCode: 5 })
    })

    it.runIf(sessions)('that nobody reads is held up, and nothing piles up', async () => {
      const session = await open('dd if=/dev/zero bs=65536 count=1024 2>/dev/null; echo through >&2')
      const stderr = collect(session.stderr as Readable)
      await bed.eventually(() => expect(session.stdout.readableLength).toBeGreaterThan(0))
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
      await bed.eventually(() => expect(said()).toMatch(/^\d+\r?\n/))
      const pid = said().trim()
      session.hangUp()
      await bed.eventually(async () => {
        const { stdout } = await heard(await open(`cat /tmp/mark-${pid} 2>/dev/null; kill -0 ${pid} 2>/dev/null || echo gone`))
        expect(stdout).toBe('hung-up\ngone\n')
      })
      await heard(await open(`rm /tmp/mark-${pid}`))
    })

    it.runIf(sessions)('is refused once the run has ended', async () => {
      const ended = aRun(bed.subject.programs.exit(0))
      await bed.backend.start(ended, signal)
      await inState(ended, 'exited')
      await expect(bed.backend.openExec(ended.id, { command: ['true'], stdin: false, tty: false }, signal)).rejects.toMatchObject({
        message: expect.stringContaining('not running'),
      })
    })
  })

  it('runs a command beside the run, or refuses to', async () => {
    const run = aRun(bed.subject.programs.sleep, {}, {}, { GREETING: 'hello' })
    await bed.backend.start(run, signal)
    await inState(run, 'running')
    if (!declares('exec')) return expect(bed.backend.exec(run.id, ['true'], signal)).rejects.toThrow(BackendError)
    expect(await bed.backend.exec(run.id, bed.subject.programs.exit(7), signal)).toMatchObject({ exitCode: 7 })
    expect(await bed.backend.exec(run.id, bed.subject.programs.printEnv('GREETING'), signal)).toEqual({ exitCode: 0, output: 'hello\n' })
    expect(await bed.backend.exec(run.id, bed.subject.programs.missing, signal)).toMatchObject({ exitCode: 127 })
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
