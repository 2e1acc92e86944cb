import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { findScript } from '../backends/find-script.js'
import type { FirstProcess } from './bridge-port.js'
import { CommandError, commandEnvironment, type RunCommand } from './run-command.js'

type Child = ChildProcessByStdio<Writable, Readable, null>

/**
 * Runs the programs of a network by way of one small process (command-process.pl), one after the other: to make a process of its own this
 * one stands still for ten times as long as they run. It is started at the first need, and again when it has ended; it ends with this one.
 */
export class CommandProcess {
  private child: Child | undefined
  private last: Promise<unknown> = Promise.resolve()
  /** What the order under way waits with. */
  private answered: ((answer: Buffer | Error) => void) | undefined

  constructor(private readonly searchPath: string) {}

  readonly run: RunCommand = async (program, args, signal, input = '') => {
    const [code = '', stdout = '', stderr = ''] = await this.order(['run', input, program, ...args], signal)
    if (code === '0') return stdout
    const isNumber = /^\d+$/.test(code)
    const why = stderr.trim() || (isNumber ? `it ended with ${code}` : code)
    throw new CommandError(isNumber ? Number(code) : code, `${program} ${args.join(' ')}: ${why}`)
  }

  /** The interface by which a container is joined to a bridge; undefined where it has ended, or the kernel does not tell. */
  async portOf(bridge: string, { pid, container }: FirstProcess, signal: AbortSignal): Promise<string | undefined> {
    const [found = ''] = await this.order(['port', bridge, String(pid), container], signal)
    return found === '' ? undefined : found
  }

  private order(items: readonly string[], signal: AbortSignal): Promise<string[]> {
    const turn = this.last.then(() => this.exchange(items, signal))
    this.last = turn.catch(() => {})
    return turn
  }

  private async exchange(items: readonly string[], signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted()
    this.child ??= this.launch()
    const { child } = this
    const breakOff = () => this.end(child, signal.reason)
    signal.addEventListener('abort', breakOff, { once: true })
    try {
      const answer = await new Promise<Buffer>((resolve, reject) => {
        this.answered = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))
        child.stdin.write(framed(Buffer.concat(items.map((item) => framed(Buffer.from(item))))))
      })
      return itemsIn(answer)
    } finally {
      this.answered = undefined
      signal.removeEventListener('abort', breakOff)
    }
  }

  private launch(): Child {
    const child = spawn('perl', [findScript('../network/command-process.pl')], {
      cwd: '/',
      // Of its own, so that what it runs ends with it when it is broken off.
      detached: true,
      env: commandEnvironment(this.searchPath),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.unref()
    for (const pipe of [child.stdin, child.stdout] as unknown as Socket[]) pipe.unref()
    child.stdin.on('error', () => {}) // its end tells
    let read = Buffer.alloc(0)
    child.stdout.on('data', (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      if (read.length < 4 || read.length < 4 + read.readUInt32LE()) return
      const answer = read.subarray(4)
      read = Buffer.alloc(0)
      this.answered?.(answer)
    })
    const ended = (why: string) => this.end(child, new CommandError('killed', `the process that runs commands has ended: ${why}`))
    child.once('error', (error) => ended(error.message))
    child.once('close', (code, signal) => ended(String(signal ?? code)))
    return child
  }

  private end(child: Child, why: Error): void {
    if (this.child !== child) return
    this.child = undefined
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // All of them have ended.
    }
    this.answered?.(why)
  }
}

function framed(bytes: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(bytes.length)
  return Buffer.concat([head, bytes])
}

function itemsIn(bytes: Buffer): string[] {
  const items: string[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at)
    items.push(bytes.toString('utf8', at + 4, end))
    at = end
  }
  return items
}
