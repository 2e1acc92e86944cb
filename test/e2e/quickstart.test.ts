/** `npm run quickstart`, as a new user sees it. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, type OneMachine, oneMachine, run } from './one-machine.js'

let machine: OneMachine
let first: Ended
beforeAll(async () => {
  machine = await oneMachine()
  first = await machine.launch('quickstart')
})
afterAll(async () => await machine[Symbol.asyncDispose]())

describe('quickstart', () => {
  it('shows the first Task from Pending to Succeeded, its logs and its describe', () => {
    expect(first.code, first.err).toBe(0)
    const marks = [
      'The cluster is ready',
      'task.millrace.dev/hello created',
      /\nhello +Pending/,
      /\nhello +Running/,
      /\nhello +Succeeded +0/,
      '$ kubectl-lite logs hello',
      'hello from',
      '$ kubectl-lite describe task hello',
      /Phase: +Succeeded/,
      'Events:',
      'What to try next',
    ]
    // Each comes after the one before.
    let rest = first.out
    for (const mark of marks) {
      const at = typeof mark === 'string' ? rest.indexOf(mark) : rest.search(mark)
      expect(at, `${mark} in\n${rest}`).not.toBe(-1)
      rest = rest.slice(at + 1)
    }
  })

  it('leaves five programs running, each a process of its own', () => {
    const running = machine.running()
    expect(Object.keys(running).sort()).toEqual(['apiserver', 'controller-manager', 'gateway', 'nodeagent', 'scheduler'])
    expect(new Set(Object.values(running).map(({ pid }) => pid)).size).toBe(5)
  })

  it('prints one line to paste, after which kubectl-lite and kubectl know the cluster', async () => {
    const [, line = ''] = /\n {2}(export PATH=.* KUBECONFIG=.*)\n/.exec(first.out) ?? []
    const env = { ...process.env, HOME: machine.home }
    expect(await run('bash', ['-c', `${line}; kubectl-lite get task hello -o name`], env)).toMatchObject({
      code: 0,
      out: 'task.millrace.dev/hello\n',
    })
    expect(statSync(`${machine.directory}/admin.kubeconfig`).mode & 0o777).toBe(0o600)
  })

  it('says what the process backend means for the namespace, and leaves ~/.kube alone', () => {
    const byRoot = process.getuid?.() === 0
    expect(first.out.includes('millrace.dev/security=privileged')).toBe(!byRoot)
    expect(existsSync(`${machine.home}/.kube`)).toBe(false)
  })

  it('puts no token into a command line or a log', () => {
    const commandLines = Object.values(machine.running()).map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    expect(commandLines.join()).not.toMatch(/[a-z0-9]{6}\.[a-z0-9]{32}/)
    expect(existsSync(`${machine.directory}/run/join-token`)).toBe(false)
  })

  it('can be run again at once without harm', async () => {
    const before = machine.running()
    const again = await machine.launch('quickstart')
    expect(again.code, again.err).toBe(0)
    expect(again.out).toContain('runs already')
    expect(again.out).toMatch(/\nhello +Succeeded +0/)
    expect(machine.running()).toEqual(before)
  })
})
