/**
 * Tasks whose own processes bear witness, in files that no program of the cluster knows: how often each was started and
 * where, and whether anything of an earlier start was still alive at the time. A lock says so, which every process of a
 * run holds open and the kernel takes away with the last of them.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, constants, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { isHeld, linesOf } from './witness-files.js'

export interface Start {
  readonly node: string
  readonly attempt: number
  readonly pid: number
}

export interface Witness {
  /** The command of a Task of this name: records its start, then waits until it is told its exit code. */
  command(name: string): string[]
  /** All starts so far, in order. */
  starts(name: string): Start[]
  /** The keys of runs that began while an earlier one of the same Task was alive. */
  doubled(): string[]
  /** Ends the present run of the Task, or the next one when none is there. */
  end(name: string, exitCode: number): void
  /** Names of the Tasks of which a process is alive. */
  alive(): string[]
  close(): void
}

/** Keeps its files in a folder below `directory`, which other users must be able to enter. */
export function createWitness(directory: string): Witness {
  const folder = path.join(directory, 'witness')
  mkdirSync(folder)
  chmodSync(directory, 0o711)
  chmodSync(folder, 0o777)
  const doubledFile = path.join(folder, 'doubled')
  const make = (file: string) => {
    writeFileSync(file, '')
    chmodSync(file, 0o666)
  }
  make(doubledFile)
  const ends = new Map<string, number>()
  const file = (name: string, what: string) => path.join(folder, `${name}.${what}`)
  return {
    command(name) {
      if (!ends.has(name)) {
        for (const what of ['lock', 'starts']) make(file(name, what))
        execFileSync('mkfifo', ['-m', '666', file(name, 'end')])
        ends.set(name, openSync(file(name, 'end'), constants.O_RDWR | constants.O_NONBLOCK))
      }
      const script = [
        `exec 9>>${file(name, 'lock')}`,
        `flock -n 9 || echo "$MILLRACE_RUN" >> ${doubledFile}`,
        `echo "$MILLRACE_NODE $MILLRACE_ATTEMPT $$" >> ${file(name, 'starts')}`,
        `read code <> ${file(name, 'end')}`,
        'exit "$code"',
      ]
      return ['sh', '-c', script.join('; ')]
    },
    starts: (name) =>
      linesOf(file(name, 'starts')).map((line) => {
        const [node = '', attempt, pid] = line.split(' ')
        return { node, attempt: Number(attempt), pid: Number(pid) }
      }),
    doubled: () => linesOf(doubledFile),
    end: (name, exitCode) => void writeSync(ends.get(name) ?? -1, `${exitCode}\n`),
    alive: () => [...ends.keys()].filter((name) => isHeld(file(name, 'lock'))),
    close() {
      for (const end of ends.values()) closeSync(end)
    },
  }
}
