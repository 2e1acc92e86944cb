/**
 * The programs, known by their command names alone: each is an executable in `binFolder`, as package.json's `bin` lists them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'

export interface Commands {
  readonly binFolder: string
  /** Names the build that is started from there: it differs when anything in it does. */
  readonly build: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Starts a program that outlives us. Its output goes to the end of `logFile`; `logStart` is where that was. */
export function startDetached(
  commands: Commands,
  name: string,
  args: readonly string[],
  logFile: string,
  cwd: string,
): { child: ChildProcess; logStart: number } {
  const log = openSync(logFile, 'a', 0o600)
  try {
    const logStart = fstatSync(log).size
    const child = spawn(process.execPath, [executable(commands, name), ...args], {
      detached: true,
      cwd,
      // What the user has set for clients is not for the programs: each has its own kubeconfig.
      env: { ...commands.env, KUBECONFIG: undefined },
      stdio: ['ignore', log, log],
    })
    child.unref()
    return { child, logStart }
  } finally {
    closeSync(log)
  }
}

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export function runToEnd(commands: Commands, name: string, args: readonly string[], cwd: string): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [executable(commands, name), ...args], {
      cwd,
      env: commands.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const texts = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => (texts[stream] += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, ...texts }))
  })
}

/** Runs a command whose output the user sees; resolves with its exit code. */
export function runInSight(commands: Commands, name: string, args: readonly string[], cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [executable(commands, name), ...args], {
      cwd,
      env: commands.env,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** The file behind a command name. */
export function executable(commands: Commands, name: string): string {
  return realpathSync(path.join(commands.binFolder, name))
}

/** What a program last said in words, for a sentence about why it ended: its plain lines, else the messages of its log's last records. */
export function lastWords(logFile: string, logStart: number): string {
  const lines = readFileSync(logFile).subarray(logStart).toString('utf8').trim().split('\n')
  const plain = lines.filter((line) => line !== '' && !line.startsWith('{') && !/^\s+at /.test(line))
  if (plain.length > 0) return plain.slice(-3).join('\n')
  return lines.slice(-3).map(messageOf).filter(Boolean).join('\n')
}

function messageOf(line: string): string {
  try {
    const { msg = '', error = '' } = JSON.parse(line) as { msg?: string; error?: unknown }
    return error === '' ? msg : `${msg}: ${typeof error === 'string' ? error : JSON.stringify(error)}`
  } catch {
    return line
  }
}
