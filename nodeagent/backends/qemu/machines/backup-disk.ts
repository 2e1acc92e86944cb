import { sleep, systemClock } from '../../../../lib/base/clock.js'
import { BackendError } from '../../backend.js'
import { type QmpClient, QmpError } from '../qmp-client.js'
import { diskNode } from './machine-arguments.js'

/** Asks a running machine something. QEMU talks to one client at a time, so each question has a connection of its own. */
export type AskMachine = <T>(question: (qmp: QmpClient) => Promise<T>, signal: AbortSignal) => Promise<T>

/** The names by which QMP knows the copying and the copy. */
const job = 'snapshot'
const copyNode = 'copy'
const pollMs = 250
const giveUpMs = 30_000

interface Job {
  readonly id: string
  readonly status: string
  readonly error?: string
}

/**
 * Copies what the disk of a running machine holds over its base, as it is at this moment, into a qcow2 file that lies
 * ready: `file`, in the machine's folder, of the same size and over the same base, which QEMU does not open again. A
 * copy that an agent began and did not see end is given up first.
 */
export async function backupDisk(ask: AskMachine, file: string, signal: AbortSignal): Promise<void> {
  await giveUp(ask, signal)
  const copy = { driver: 'qcow2', 'node-name': copyNode, backing: null, file: { driver: 'file', filename: file } }
  const order = { 'job-id': job, device: diskNode, target: copyNode, sync: 'top', 'auto-dismiss': false }
  let failure: string | undefined
  try {
    await ask((qmp) => qmp.execute('blockdev-add', copy, { signal }), signal)
    await ask((qmp) => qmp.execute('blockdev-backup', order, { signal }), signal)
    failure = await endOfJob(ask, signal)
  } catch (error) {
    await giveUp(ask, AbortSignal.timeout(giveUpMs)).catch(() => {}) // the machine went, and its job with it
    throw error
  }
  await giveUp(ask, signal)
  if (failure !== undefined) throw new BackendError('CreateFailed', `the disk of the running machine could not be copied: ${failure}`, true)
}

/** Resolves with why it failed, or undefined. */
async function endOfJob(ask: AskMachine, signal: AbortSignal): Promise<string | undefined> {
  for (;;) {
    const found = await findJob(ask, signal)
    if (!found) return 'the copy went'
    if (found.status === 'concluded') return found.error
    await sleep(systemClock, pollMs, signal)
  }
}

/** Ends the job, done or not, and closes its file. */
async function giveUp(ask: AskMachine, signal: AbortSignal): Promise<void> {
  for (let found = await findJob(ask, signal); found; found = await findJob(ask, signal)) {
    const isOver = found.status === 'concluded'
    const end = (qmp: QmpClient) =>
      isOver
        ? qmp.execute('job-dismiss', { id: job }, { signal })
        : qmp.execute('block-job-cancel', { device: job, force: true }, { signal })
    await ask(end, signal).catch((error) => {
      if (!(error instanceof QmpError)) throw error // it went meanwhile
    })
    if (!isOver) await sleep(systemClock, pollMs, signal)
  }
  const query = (qmp: QmpClient) => qmp.execute('query-named-block-nodes', { flat: true }, { signal })
  const nodes = (await ask(query, signal)) as readonly { readonly 'node-name': string }[]
  if (nodes.some((node) => node['node-name'] === copyNode))
    await ask((qmp) => qmp.execute('blockdev-del', { 'node-name': copyNode }, { signal }), signal)
}

async function findJob(ask: AskMachine, signal: AbortSignal): Promise<Job | undefined> {
  const jobs = (await ask((qmp) => qmp.execute('query-jobs', {}, { signal }), signal)) as readonly Job[]
  return jobs.find(({ id }) => id === job)
}
