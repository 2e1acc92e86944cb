/**
 * Every lesson as its reader runs it: beside a cluster of real processes, as a ServiceAccount
 * of its own, with the rights of its declaration and no other.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { type OneMachine, oneMachine, root } from './one-machine.js'

const patience = { intervalMs: 200 }
const run = new Set<string>()

let machine: OneMachine
beforeAll(async () => {
  machine = await oneMachine()
  const started = await machine.launch('up', '--backends', 'process')
  expect(started.code, started.err).toBe(0)
})
afterAll(async () => await machine[Symbol.asyncDispose]())

async function kubectl(...args: string[]): Promise<string> {
  const { code, out, err } = await machine.kubectlLite(...args)
  if (code !== 0) throw new Error(`kubectl-lite ${args.join(' ')} ended with ${code}: ${err}`)
  return out
}

interface Lesson {
  readonly folder: string
  readonly program: string
  /** It brings a kind of its own. */
  readonly hasKind?: boolean
  /** Whose declaration says what it may do. Default: its own. */
  readonly declaredBy?: string
}

/** Runs the lesson's program during `check`, and sees it end in order. */
async function whileRunning({ folder, program, hasKind, declaredBy }: Lesson, check: () => Promise<void>): Promise<void> {
  run.add(folder)
  const file = path.join(root, 'examples', folder, program)
  const declaration = declaredBy ? path.join(root, 'examples', declaredBy) : file
  const kubeconfig = path.join(machine.folder, `${folder}.kubeconfig`)
  if (hasKind) await kubectl('create', 'customresourcedefinition', '--for', declaration)
  await kubectl('create', 'serviceaccount', `lesson-${folder}`, '--for', declaration, '--kubeconfig-out', kubeconfig)
  const loader = file.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []
  const child = spawn(process.execPath, [...loader, file], {
    cwd: machine.folder,
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  try {
    await check()
  } catch (error) {
    throw new Error(`${folder}: ${(error as Error).message}\nthe program said:\n${said}`, { cause: error })
  } finally {
    await end(child)
  }
  expect(child.exitCode, said).toBe(0)
  expect(said).not.toContain('forbidden')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const impatient = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await ended
  clearTimeout(impatient)
}

const apply = (folder: string, manifest: string) => kubectl('apply', '-f', path.join(root, 'examples', folder, manifest))
const textOf = (namespace: string) => kubectl('get', 'configmap', 'welcome', '-n', namespace, '-o', 'jsonpath={.data.text}')

describe('the lessons', () => {
  it('01-minimal: a namespace says where one is, again after somebody deleted it', async () => {
    await whileRunning({ folder: '01-minimal', program: 'welcome.ts' }, async () => {
      await apply('01-minimal', 'garden.yaml')
      await eventually(async () => expect(await textOf('garden')).toBe('This is garden.'), patience)
      await kubectl('delete', 'configmap', 'welcome', '-n', 'garden')
      await eventually(async () => expect(await textOf('garden')).toBe('This is garden.'), patience)
    })
  })

  it('02-warm-pool: Tasks run, as many as it says', async () => {
    const tasks = async () => (await kubectl('get', 'tasks', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ')
    await whileRunning({ folder: '02-warm-pool', program: 'warm-pool.ts', hasKind: true }, async () => {
      await apply('02-warm-pool', 'sleepers.yaml')
      await kubectl('wait', 'warmpool/sleepers', '--for=condition=Ready', '--timeout=90s')
      expect(await kubectl('get', 'tasks')).toMatch(/sleepers-0 +Running.*\nsleepers-1 +Running/)
      await kubectl('patch', 'warmpool', 'sleepers', '-p', '{"spec": {"size": 1}}')
      await eventually(async () => expect(await tasks()).toEqual(['sleepers-0']), patience)
    })
    await kubectl('delete', 'warmpool', 'sleepers')
    await kubectl('wait', 'task/sleepers-0', '--for=delete', '--timeout=90s')
  })

  it('03-outside-thing: the directory goes before its object does, also when the controller was away', async () => {
    const place = path.join(machine.folder, 'folders/default.attic')
    const lesson = { folder: '03-outside-thing', program: 'folder.ts', hasKind: true }
    await whileRunning(lesson, async () => {
      await apply('03-outside-thing', 'attic.yaml')
      await kubectl('wait', 'folder/attic', '--for=condition=Ready', '--timeout=90s')
      expect(existsSync(place)).toBe(true)
    })
    await kubectl('delete', 'folder', 'attic', '--wait=false')
    expect(await kubectl('get', 'folders', '-o', 'name')).toContain('attic')
    await whileRunning(lesson, async () => {
      await kubectl('wait', 'folder/attic', '--for=delete', '--timeout=90s')
      expect(existsSync(place)).toBe(false)
    })
  })

  it('04-own-kind: its columns and conditions are in `get` and `describe`', async () => {
    await whileRunning({ folder: '04-own-kind', program: 'roll-call.ts', hasKind: true }, async () => {
      await apply('04-own-kind', 'crew.yaml')
      await kubectl('wait', 'rollcall/red', '--for=condition=Quorate', '--timeout=90s')
      expect(await kubectl('get', 'rc')).toMatch(/^NAME +CALLED +PRESENT +QUORATE +AGE\nred +2 +1 +True +\d+s/)
      expect(await kubectl('get', 'rc', '-o', 'wide')).toMatch(/MISSING.*\n.*bo/)
      expect(await kubectl('describe', 'rollcall', 'red')).toMatch(/Complete.*SomeMissing/s)
      expect(await kubectl('explain', 'rollcall.spec.quorum')).toContain('How many are enough.')
    })
    await kubectl('delete', '-f', path.join(root, 'examples/04-own-kind/crew.yaml'), '--timeout=90s')
  })

  it('05-plain-javascript: what has its time is swept', async () => {
    await whileRunning({ folder: '05-plain-javascript', program: 'sweeper.js' }, async () => {
      await apply('05-plain-javascript', 'leaflet.yaml')
      await kubectl('wait', 'configmap/leaflet', '--for=delete', '--timeout=90s')
      await eventually(async () => expect(await kubectl('get', 'events')).toContain('its time had come'), patience)
    })
  })

  it('06-client-node: another client, the same controller', async () => {
    await whileRunning({ folder: '06-client-node', program: 'welcome.ts', declaredBy: '01-minimal/welcome.ts' }, async () => {
      await apply('06-client-node', 'orchard.yaml')
      await eventually(async () => expect(await textOf('orchard')).toBe('This is orchard.'), patience)
    })
  })
})

it('every lesson has its test', () => {
  expect([...run].sort()).toEqual(readdirSync(path.join(root, 'examples')).filter((name) => /^\d\d-/.test(name)))
})
