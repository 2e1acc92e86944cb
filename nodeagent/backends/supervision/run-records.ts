/**
 * What the process backend knows of its runs, as files of one folder: KEY.run (made by the agent), KEY.started and KEY.exit (made by the
 * shim, once, whole or not at all), KEY.oom (made by the agent before it ends a run for its memory). A run is what its files say, so an
 * agent that starts anew knows all that the old one knew.
 *
 * KEY.ending is room that is set aside before the start: how a run ended is written into it, and it becomes KEY.exit. So a disk that is
 * full by then keeps nobody from knowing, nor from removing the run.
 */
import { randomUUID } from 'node:crypto'
import { link, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import path from 'node:path'
import { makeFolder } from '../../files/make-folder.js'
import type { RunExit, RunFailure, RunId } from '../backend.js'
import { parseRunKey, printRunKey } from '../run-key.js'

/** KEY.run: what the backend needs to know again after a restart. No environment: that may hold secrets. */
export interface RunRecord {
  readonly id: RunId
  readonly namespace: string
  readonly name: string
  readonly userId?: number | undefined
  readonly workingDirectory: string
  readonly memoryLimitBytes?: number | undefined
}

export interface StartedRecord {
  readonly shim: { readonly pid: number; readonly startTime: string }
  readonly child: { readonly pid: number; readonly startTime: string }
  readonly bootId: string
  readonly atMs: number
}

export interface RunFiles {
  readonly record: RunRecord
  readonly started: StartedRecord | undefined
  readonly exit: RunExit | undefined
  readonly oomKilled: boolean
  /** What the command reported, where it may. */
  readonly report?: string
}

/** In the order of their removal. */
const suffixes = ['run', 'started', 'ending', 'exit', 'oom'] as const

/** Set aside for how a run ends. The longest that a command may report is half of it; see shim.pl. */
const endingBytes = 8192

export class RunRecords {
  /** Files never change once they are there, so each is read once. */
  private readonly known = new Map<string, string>()

  constructor(readonly directory: string) {}

  /**
   * Makes the folder, and clears what an agent or a shim left that was killed while
   * it removed or wrote a file: what has no KEY.run is of no run.
   */
  async prepare(): Promise<void> {
    await makeFolder(this.directory)
    const names = await readdir(this.directory)
    const there = new Set(names)
    for (const name of names) {
      const [key = '', suffix = ''] = name.match(/^([^.]+\.\d+\.\d+)\.(.+)$/)?.slice(1) ?? []
      const isWhole = suffixes.some((known) => known === suffix)
      if (key && (!there.has(`${key}.run`) || (!isWhole && suffix.startsWith('run.'))))
        await rm(path.join(this.directory, name), { force: true })
    }
  }

  /** The path that a run's file names begin with. */
  prefix(id: RunId): string {
    return path.join(this.directory, printRunKey(id))
  }

  /** Of all runs, also of those whose record cannot be read. */
  async ids(): Promise<RunId[]> {
    return (await readdir(this.directory)).map(idOf).filter((id) => id !== undefined)
  }

  /** All runs, or those of one workload. */
  async list(uid?: string): Promise<RunFiles[]> {
    const names = new Set(await readdir(this.directory))
    for (const name of this.known.keys()) if (!names.has(name)) this.known.delete(name)
    const found: RunFiles[] = []
    for (const name of names) {
      const id = idOf(name)
      if (!id || (uid !== undefined && id.uid !== uid)) continue
      const files = await this.read(id)
      if (files) found.push(files)
    }
    return found
  }

  /** Undefined when there is no such run. */
  async read(id: RunId): Promise<RunFiles | undefined> {
    const key = printRunKey(id)
    const record = await this.contents(`${key}.run`)
    if (record === undefined) return undefined
    // The exit is read before the start: a run that ends in between is seen as running once more, never as lost.
    const exit = await this.contents(`${key}.exit`)
    const started = await this.contents(`${key}.started`)
    const oomKilled = (await this.contents(`${key}.oom`)) !== undefined
    return {
      record: JSON.parse(record) as RunRecord,
      started: started ? parseStarted(started) : undefined,
      exit: exit === undefined ? undefined : parseExit(exit, oomKilled),
      oomKilled,
      ...(exit === undefined ? {} : reportOf(exit)),
    }
  }

  /** Makes KEY.run, and sets aside what its end will need; what is there stays. */
  async create(record: RunRecord): Promise<void> {
    await this.writeOnce(`${this.prefix(record.id)}.run`, JSON.stringify(record))
    await this.setAside(`${this.prefix(record.id)}.ending`)
  }

  /** Makes KEY.exit for a run whose shim was killed. */
  async markLost(id: RunId, nowMs: number, message: string): Promise<void> {
    const text = `code=255\nsignal=0\nat=${nowMs}\nfailure=RunLost ${message}\n`
    const [ending, exit] = [`${this.prefix(id)}.ending`, `${this.prefix(id)}.exit`]
    try {
      // To its end: a shim may have been killed while it wrote into it.
      await writeThrough(ending, 'r+', text.padEnd(endingBytes, '\n'))
      await rename(ending, exit)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      await this.writeOnce(exit, text)
    }
  }

  private async setAside(file: string): Promise<void> {
    try {
      await writeFile(file, '\n'.repeat(endingBytes), { flag: 'wx', mode: 0o600 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
      await rm(file, { force: true })
      throw error
    }
  }

  private async writeOnce(file: string, text: string): Promise<void> {
    const temporary = `${file}.${randomUUID()}`
    try {
      await writeThrough(temporary, 'w', text)
      await link(temporary, file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      await rm(temporary, { force: true })
    }
  }

  /** Makes KEY.started as a tombstone, so that no shim can start the run any more; false when it has started. */
  async forbidStart(id: RunId): Promise<boolean> {
    try {
      await writeFile(`${this.prefix(id)}.started`, '', { flag: 'wx', mode: 0o600 })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  }

  async markOom(id: RunId): Promise<void> {
    await writeFile(`${this.prefix(id)}.oom`, '', { mode: 0o600 })
  }

  /** KEY.run goes first and KEY.started after it: the shim looks for them the other way round. */
  async remove(id: RunId): Promise<void> {
    for (const suffix of suffixes) {
      await rm(`${this.prefix(id)}.${suffix}`, { force: true })
      this.known.delete(`${printRunKey(id)}.${suffix}`)
    }
  }

  private async contents(name: string): Promise<string | undefined> {
    const known = this.known.get(name)
    if (known !== undefined) return known
    try {
      const text = await readFile(path.join(this.directory, name), 'utf8')
      this.known.set(name, text)
      return text
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}

/** Writes to the beginning of a file, through to the disk. */
async function writeThrough(file: string, flag: 'w' | 'r+', text: string): Promise<void> {
  const handle = await open(file, flag, 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The run whose record has this name. */
function idOf(name: string): RunId | undefined {
  return name.endsWith('.run') ? parseRunKey(name.slice(0, -'.run'.length)) : undefined
}

function fieldsOf(text: string): Map<string, string> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

function parseStarted(text: string): StartedRecord {
  const fields = fieldsOf(text)
  const processOf = (name: string) => {
    const [pid, startTime = ''] = (fields.get(name) ?? '').split(' ')
    return { pid: Number(pid), startTime }
  }
  return { shim: processOf('shim'), child: processOf('child'), bootId: fields.get('boot') ?? '', atMs: Number(fields.get('at')) }
}

function parseExit(text: string, oomKilled: boolean): RunExit {
  const fields = fieldsOf(text)
  const signalNumber = Number(fields.get('signal'))
  const [reason = '', ...words] = (fields.get('failure') ?? '').trim().split(' ')
  return {
    exitCode: signalNumber > 0 ? 128 + signalNumber : Number(fields.get('code')),
    ...(signalNumber > 0 ? { signal: signalName(signalNumber) } : {}),
    oomKilled,
    finishedAtMs: Number(fields.get('at')),
    ...(isFailure(reason) ? { failure: { reason, message: words.join(' ') } } : {}),
  }
}

function reportOf(text: string): Pick<RunFiles, 'report'> {
  const report = fieldsOf(text).get('report')
  return report ? { report } : {}
}

function isFailure(word: string): word is RunFailure {
  return word === 'CommandNotFound' || word === 'StartFailed' || word === 'RunLost'
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`
}
