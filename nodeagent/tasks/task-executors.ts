/**
 * One executor per type of step; the compiler refuses a type without one. An executor does its step or throws; it decides nothing. Each may
 * be repeated, and may have been cut off anywhere in an earlier life of the agent.
 */
import { backendOf, Task } from '../../lib/api/kinds/task.js'
import { type Backend, BackendError, type RunSpec } from '../backends/backend.js'
import { isFull } from '../files/full-disk.js'
import type { AddressHolder } from '../network/node-network.js'
import { followPull } from '../steps/follow-pull.js'
import { hardwareOf } from '../steps/hardware.js'
import { releaseFinalizer } from '../steps/release-finalizer.js'
import { type Executors, objectOf, type StepContext } from '../steps/step-context.js'
import { admitTask } from './admit-task.js'
import { resolveEnvironment } from './environment.js'
import { createConfigReader } from './files/config-reader.js'
import type { AttemptFiles } from './files/workload-files.js'
import type { Ledger } from './ledger.js'
import type { ExecutableTaskStep } from './task-step.js'

type TaskContext = StepContext<Task, Backend>

export const taskExecutors: Executors<ExecutableTaskStep, Task, Backend> = {
  async admit(_step, context) {
    await admitTask(objectOf(context), backendFor(context), context.parts, context.signal)
  },

  async prepareImage({ image, policy }, context) {
    await followPull(image, context, (onProgress) => backendFor(context).prepareImage(image, policy, onProgress, context.signal))
  },

  async prepareVolumes({ attempt }, context) {
    const task = objectOf(context)
    const ledger = await openAttempt(context, attempt)
    const { client, files, network } = context.parts
    const config = createConfigReader(client, ledger.namespace, context.signal)
    // Meanwhile the address is claimed that the start asks for, which says why there is none.
    const claimed = ledger.hasAddress && network.claim(holderOf(context.uid, ledger), undefined, context.signal).catch(() => undefined)
    await files.prepareVolumes(attemptFiles(task, ledger, context), config)
    await claimed
  },

  async start({ id, streak }, context) {
    const { parts, signal, uid } = context
    const task = objectOf(context)
    const backend = backendFor(context)
    const attempt = await openAttempt(context, id.attempt)
    const attemptStartedAtMs = id.run === 0 ? parts.clock.now() : attempt.attemptStartedAtMs
    const { numaNode, gpus } = hardwareOf(task, parts.gpus)
    const address = backend.features.has('addresses') ? await parts.network.claim(holderOf(uid, attempt), undefined, signal) : undefined
    const fresh = { run: id.run, streak, started: false, stopped: false, attemptStartedAtMs }
    const ledger = { ...attempt, ...fresh, ...(address ? { hasAddress: true } : {}) }
    const config = createConfigReader(parts.client, ledger.namespace, signal)
    const env = { ...(await resolveEnvironment(task.spec, config)), ...ownEnvironment(context, ledger, backend) }
    const mounts = await parts.files.mounts(attemptFiles(task, ledger, context))
    // From here on the run may exist: the ledger says so first.
    await parts.ledgers.write(uid, ledger)
    const run: RunSpec = {
      id,
      namespace: ledger.namespace,
      name: ledger.name,
      spec: task.spec,
      env,
      mounts,
      homeDirectory: parts.files.home(uid, id.attempt),
      logDirectory: parts.files.logs(id),
      ...(ledger.userId === undefined ? {} : { userId: ledger.userId }),
      ...(address === undefined ? {} : { address }),
      ...(numaNode === undefined ? {} : { numaNode }),
      ...(gpus === undefined ? {} : { gpus }),
    }
    await backend.start(run, signal)
    // Nobody waits for it to hear that the run has started.
    if (address) void parts.network.pinPorts()
    await parts.ledgers.write(uid, { ...ledger, started: true })
    parts.events.record(task, 'Normal', 'Started', id.run === 0 ? 'started' : `started again, run ${id.run}`)
  },

  pause: ({ id }, context) => keeperOf(context).pause(id, context.signal),
  resume: ({ id }, context) => keeperOf(context).resume(id, context.signal),

  async stop({ id, graceMs }, context) {
    const { object: task, parts, uid } = context
    if (task) parts.events.record(task, 'Normal', 'Stopping', `stopping run ${id.run}`)
    const ledger = await parts.ledgers.read(uid)
    try {
      if (ledger?.attempt === id.attempt && ledger.run === id.run && !ledger.stopped)
        await parts.ledgers.write(uid, { ...ledger, stopped: true })
    } catch (error) {
      // Deleting is how room is made, and nobody asks any more how what is deleted has ended.
      if (!isFull(error) || (task && !task.metadata.deletionTimestamp)) throw error
    }
    await onEach(context, (backend) => backend.stop(id, graceMs, context.signal))
  },

  async removeRun({ id }, context) {
    await onEach(context, (backend) => backend.remove(id, context.signal))
    await context.parts.files.removeLogs(id)
  },

  async removeVolumes(_step, { parts, uid }) {
    await parts.files.removeVolumes(uid)
  },

  async releaseAddress(_step, { parts, uid, signal }) {
    const ledger = await parts.ledgers.read(uid)
    if (!ledger?.hasAddress) return
    await parts.network.release(holderOf(uid, ledger), signal)
    await parts.ledgers.write(uid, { ...ledger, hasAddress: undefined })
  },

  async removeFiles(_step, { parts, uid, signal }) {
    const ledger = await parts.ledgers.read(uid)
    // What the ledger does not know of is owned by the task, and goes with it.
    if (ledger?.hasAddress) await parts.network.release(holderOf(uid, ledger), signal)
    await parts.files.removeAll(uid)
    if (ledger?.userId !== undefined) parts.users.release(ledger.userId)
  },

  releaseFinalizer: (_step, context) => releaseFinalizer(context.parts.client.of(Task), context),
}

function backendFor(context: TaskContext): Backend {
  const task = objectOf(context)
  if (!context.backend)
    throw new BackendError(
      'BackendUnavailable',
      `the node has no backend "${backendOf(task.spec)}"; its agent was started without it`,
      true,
    )
  return context.backend
}

/** The backend that holds the workload's runs. */
const keeperOf = backendFor

/** The task as the holder of an address. */
const holderOf = (uid: string, { namespace, name }: Ledger): AddressHolder => ({ kind: 'Task', namespace, name, uid })

/** A workload that the API does not know may be held by any backend; stopping and removing what is not there is no error. */
async function onEach({ parts, backend }: TaskContext, act: (backend: Backend) => Promise<void>): Promise<void> {
  for (const each of backend ? [backend] : parts.backends.values()) await act(each)
}

/** The ledger of the attempt, made when it is the first step of it. */
async function openAttempt({ parts, uid, ...context }: TaskContext, attempt: number): Promise<Ledger> {
  const task = objectOf({ parts, uid, ...context })
  const present = await parts.ledgers.read(uid)
  if (present?.attempt === attempt) return present
  const separate = context.backend?.features.has('separateUser') ?? false
  if (present?.userId !== undefined) parts.users.release(present.userId)
  const userId = separate ? parts.users.give(uid, attempt) : undefined
  const ledger: Ledger = {
    namespace: task.metadata.namespace ?? 'default',
    name: task.metadata.name,
    attempt,
    run: 0,
    started: false,
    streak: 0,
    attemptStartedAtMs: parts.clock.now(),
    // Said before it is claimed; what was never claimed is given back just so.
    hasAddress: present?.hasAddress || (parts.network.mode === 'bridge' && context.backend?.features.has('addresses')) || undefined,
    userId,
  }
  await parts.ledgers.write(uid, ledger)
  return ledger
}

function attemptFiles(task: Task, ledger: Ledger, { uid, backend }: TaskContext): AttemptFiles {
  const hasMounts = backend?.features.has('mounts') ?? false
  return { uid, attempt: ledger.attempt, spec: task.spec, userId: ledger.userId, hasMounts }
}

function ownEnvironment({ parts, uid }: TaskContext, ledger: Ledger, backend: Backend): Record<string, string> {
  return {
    MILLRACE_NAMESPACE: ledger.namespace,
    MILLRACE_TASK: ledger.name,
    MILLRACE_UID: uid,
    MILLRACE_NODE: parts.nodeName,
    MILLRACE_ATTEMPT: String(ledger.attempt),
    ...(backend.name !== 'process' ? {} : { MILLRACE_VOLUMES: parts.files.links(uid, ledger.attempt) }),
  }
}
