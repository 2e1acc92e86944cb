import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { CommandProcess } from './command-process.js'
import { CommandError, commandRunner } from './run-command.js'

const searchPath = process.env.PATH ?? ''
const signal = AbortSignal.timeout(300_000)
const failure = (running: Promise<unknown>) => running.then(String, (error: unknown) => error)
const parentOf = (commands: CommandProcess) => commands.run('sh', ['-c', 'echo $PPID'], signal)

describe('programs that are run by another process', () => {
  const commands = new CommandProcess(searchPath)

  it('get their input, and tell what they print, whatever its size', async () => {
    const long = 'word '.repeat(100_000)
    expect(await commands.run('cat', [], signal, long)).toBe(long)
    expect(await commands.run('sh', ['-c', 'printf %s "$1"', 'sh', 'ä "b" $c'], signal)).toBe('ä "b" $c')
    expect(await commands.run('true', [], signal, long)).toBe('')
    expect(await commands.run('sh', ['-c', 'echo $LC_ALL $HOME'], signal)).toBe('C\n')
  })

  it.each<[string, string, string[], number | string, string]>([
    ['one that fails', 'sh', ['-c', 'echo no >&2; exit 3'], 3, 'sh -c echo no >&2; exit 3: no'],
    ['one that says nothing', 'false', [], 1, 'false : it ended with 1'],
    ['one that is nowhere', 'mr-nowhere', ['a'], 'ENOENT', 'mr-nowhere a: ENOENT'],
    ['one that is killed', 'sh', ['-c', 'kill -9 $$'], 'killed', 'sh -c kill -9 $$: killed'],
  ])('%s says why', async (_name, program, args, code, message) => {
    const error = await failure(commands.run(program, args, signal))
    expect(error).toBeInstanceOf(CommandError)
    expect(error).toMatchObject({ code, message })
  })

  it('run one after the other, in one process for all of them', async () => {
    const [one, other] = await Promise.all([parentOf(commands), parentOf(commands)])
    expect(one).toBe(other)
    expect(Number(one)).not.toBe(process.pid)
  })

  it('what is broken off ends with all that it runs, and the next one runs', async () => {
    const breaking = new AbortController()
    const before = Number(await parentOf(commands))
    const running = failure(commands.run('sleep', ['271828'], breaking.signal))
    const children = () => readFileSync(`/proc/${before}/task/${before}/children`, 'utf8').trim().split(' ').filter(Boolean)
    await eventually(() => expect(children()).toHaveLength(1))
    const [sleeping = ''] = children()
    const next = parentOf(commands)
    breaking.abort(new Error('nobody waits'))
    expect(await running).toMatchObject({ message: 'nobody waits' })
    expect(Number(await next)).not.toBe(before)
    await eventually(() => expect(() => readFileSync(`/proc/${sleeping}/cmdline`, 'utf8')).toThrow())
    expect(await failure(commands.run('true', [], AbortSignal.abort(new Error('too late'))))).toMatchObject({ message: 'too late' })
  })

  it('one that is killed is told as failed, and started again', async () => {
    const error = await failure(commands.run('sh', ['-c', 'kill -9 $PPID; sleep 60'], signal))
    expect(error).toMatchObject({ name: 'CommandError', code: 'killed', message: expect.stringContaining('SIGKILL') })
    expect(await commands.run('echo', ['again'], signal)).toBe('again\n')
  })
})

describe.skipIf(process.getuid?.() !== 0)('the ports of containers', () => {
  const [machine, ...networks] = [0, 1, 2].map((index) => `mrt-${process.pid}-${randomUUID().slice(0, 4)}${index}`) as [
    string,
    string,
    string,
  ]
  const [bridge, other] = ['mrbr0123abcd', 'mrbr0123abce']
  const run = (...words: string[]) => commandRunner(searchPath)('ip', words, signal)
  const processes: ChildProcess[] = []
  const folder = mkdtempSync(path.join(tmpdir(), 'mr-cp-'))
  const commands = new CommandProcess(`${folder}:${searchPath}`)
  beforeAll(async () => {
    for (const name of [machine, ...networks]) await run('netns', 'add', name)
    // The process is in the network of the test.
    const script = `#!/bin/sh\nPATH=${searchPath} exec nsenter --net=/run/netns/${machine} perl "$@"\n`
    writeFileSync(path.join(folder, 'perl'), script, { mode: 0o755 })
    for (const name of [bridge, other]) await run('-n', machine, 'link', 'add', name, 'type', 'bridge')
    const join = (name: string, to: string, network: string) =>
      run('-n', machine, 'link', 'add', name, 'master', to, 'type', 'veth', 'peer', 'name', `${name}-in`, 'netns', network)
    await join('beside', other, networks[0] ?? '')
    for (const [index, network] of networks.entries()) {
      await join(`port${index}`, bridge, network)
      processes.push(spawn('nsenter', [`--net=/run/netns/${network}`, 'sleep', '600'], { stdio: 'ignore' }))
    }
    for (const child of processes)
      await eventually(() => expect(readFileSync(`/proc/${child.pid}/comm`, 'utf8')).toBe('sleep\n'), { timeoutMs: 30_000 })
  })
  afterAll(async () => {
    for (const child of processes) child.kill('SIGKILL')
    for (const name of [machine, ...networks]) await run('netns', 'delete', name)
    rmSync(folder, { recursive: true, force: true })
  })

  it('are found by the network that a container is in, on the bridge that is asked for, and by no process of another', async () => {
    const find = (on: string, child: { readonly pid?: number | undefined } | undefined, container = '/') =>
      commands.portOf(on, { pid: child?.pid ?? 0, container }, signal)
    const [one, two] = processes
    expect(await find(bridge, one)).toBe('port0')
    expect(await find(bridge, two)).toBe('port1')
    expect(await find(other, one)).toBe('beside')
    expect(await find(other, two)).toBeUndefined()
    expect(await find('mrbr00000000', one)).toBeUndefined()
    // Neither what is in a network without a port, nor a process that is not the container's, nor one that has ended.
    expect(await find(bridge, process)).toBeUndefined()
    expect(await find(bridge, one, 'f00d')).toBeUndefined()
    const ended = new Promise((resolve) => two?.once('exit', resolve))
    two?.kill('SIGKILL')
    await ended
    expect(await find(bridge, two)).toBeUndefined()
    expect(await find(bridge, one)).toBe('port0')
  })
})
