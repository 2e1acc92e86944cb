/**
 * One executor per type of step; the compiler refuses a type without one. An executor does its step or throws; it decides nothing. Each may
 * be repeated, and may have been cut off anywhere in an earlier life of the agent.
 */
import { Vps } from '../../lib/api/kinds/vps.js'
import { BackendError } from '../backends/backend.js'
import type { DiskSource, MachineBackend, MachineSpec } from '../backends/machine-backend.js'
import { isFull } from '../files/full-disk.js'
import type { AddressHolder } from '../network/node-network.js'
import { followPull } from '../steps/follow-pull.js'
import { hardwareOf } from '../steps/hardware.js'
import { releaseFinalizer } from '../steps/release-finalizer.js'
import { type Executors, objectOf, type StepContext } from '../steps/step-context.js'
import { admitMachine } from './admit-machine.js'
import { type LocatedSnapshot, locateSnapshot } from './locate-snapshot.js'
import type { MachineRecord } from './machine-record.js'
import type { ExecutableMachineStep, RestoreOrder } from './machine-step.js'
import { resetWished, restartWished } from './machine-wishes.js'

type MachineContext = StepContext<Vps, MachineBackend>

export const machineExecutors: Executors<ExecutableMachineStep, Vps, MachineBackend> = {
  async admit(_step, context) {
    await admitMachine(objectOf(context), backendFor(context), context.parts, context.signal)
  },

  async prepareImage(_step, context) {
    const { spec } = objectOf(context)
    await followPull(spec.image, context, (onProgress) => backendFor(context).prepareMachineImage(spec, onProgress, context.signal))
  },

  async create({ from }, context) {
    const { signal } = context
    const vps = objectOf(context)
    const located = from && (await locate(from, context))
    const source: DiskSource = from && located ? snapshotSource(from, located) : { type: 'image' }
    // From here on something of it may exist: the record says so first.
    await note(context, {})
    await backendFor(context).createMachine(await machineOf(context), source, signal)
    await note(context, { made: true })
    if (located) await letGo(located, context)
    context.parts.events.record(vps, 'Normal', 'DiskMade', `its disk was made of ${from ? `the snapshot ${from.name}` : vps.spec.image}`)
  },

  async adopt(_step, context) {
    const record = await recordOf(context)
    const machine = (await backendFor(context).observeMachines(context.signal, context.uid))[0]
    const isCounted = record.run === 'started' || record.run === 'stopped'
    await note(context, {
      made: true,
      ...(machine?.state === 'running'
        ? { run: 'started', starts: record.starts + (isCounted ? 0 : 1), ...wishesSeen(objectOf(context)) }
        : {}),
    })
  },

  async start({ streak }, context) {
    const { parts, signal } = context
    const vps = objectOf(context)
    const machine = await machineOf(context)
    await note(context, { run: 'starting', streak, ...wishesSeen(vps) })
    await backendFor(context).startMachine(machine, signal)
    if (machine.address) void parts.network.pinPorts()
    const { starts } = await recordOf(context)
    await note(context, { run: 'started', starts: starts + 1 })
    parts.events.record(vps, 'Normal', 'Started', starts === 0 ? 'started' : `started again, start ${starts + 1}`)
  },

  async stop({ graceMs }, context) {
    const { object: vps, parts, uid, signal } = context
    if (vps) parts.events.record(vps, 'Normal', 'Stopping', 'stopping it')
    const record = await parts.machineRecords.read(uid)
    try {
      if (record && record.run !== 'stopped') await parts.machineRecords.write(uid, { ...record, run: 'stopped', streak: 0 })
    } catch (error) {
      // Stopping and deleting is how room is made. Without the note its next start
      // is taken for one after an end by itself, and waits a little.
      if (!isFull(error)) throw error
    }
    await onEach(context, (backend) => backend.stopMachine(uid, graceMs, signal))
  },

  async resize(_step, context) {
    const vps = objectOf(context)
    await backendFor(context).resizeMachine(await machineOf(context), context.signal)
    context.parts.events.record(vps, 'Normal', 'Resized', 'its CPU and memory are what the spec says')
  },

  async reset({ request }, context) {
    const { parts, uid, signal } = context
    const vps = objectOf(context)
    try {
      await backendFor(context).resetMachine(uid, signal)
      parts.events.record(vps, 'Normal', 'Reset', 'its reset button was pressed')
    } catch (error) {
      if (!(error instanceof BackendError) || error.retryable) throw error
      parts.events.record(vps, 'Warning', error.reason, error.message)
    }
    await note(context, { resetAt: request })
  },

  async restore({ from }, context) {
    const located = await locate(from, context)
    await backendFor(context).restoreMachine(await machineOf(context), snapshotSource(from, located), context.signal)
    await letGo(located, context)
    context.parts.events.record(objectOf(context), 'Normal', 'Restored', `its disk is that of the snapshot ${from.name}`)
  },

  async remove(_step, context) {
    await onEach(context, (backend) => backend.removeMachine(context.uid, context.signal))
  },

  async forget(_step, { parts, uid, signal }) {
    const record = await parts.machineRecords.read(uid)
    if (record) await parts.network.release(holderOf(uid, record), signal)
    await parts.machineRecords.remove(uid)
  },

  releaseFinalizer: (_step, context) => releaseFinalizer(context.parts.client.of(Vps), context),
}

function backendFor(context: MachineContext): MachineBackend {
  const { spec } = objectOf(context)
  if (context.backend) return context.backend
  throw new BackendError('BackendUnavailable', `the node has no backend "${spec.backend}"; its agent was started without it`, true)
}

/** A machine that the API does not know may be any backend's; stopping and removing what is not there is no error. */
async function onEach({ parts, backend }: MachineContext, act: (backend: MachineBackend) => Promise<void>): Promise<void> {
  for (const each of backend ? [backend] : parts.machines.values()) await act(each)
}

/** The record, or a new one when this is the first that is written. */
async function recordOf(context: MachineContext): Promise<MachineRecord> {
  const { namespace = 'default', name } = objectOf(context).metadata
  const present = await context.parts.machineRecords.read(context.uid)
  return present ?? { namespace, name, made: false, starts: 0, run: 'none', streak: 0 }
}

async function note(context: MachineContext, more: Partial<MachineRecord>): Promise<void> {
  await context.parts.machineRecords.write(context.uid, { ...(await recordOf(context)), ...more })
}

/** What was asked for by now needs no doing after a start. */
function wishesSeen(vps: Vps): Pick<MachineRecord, 'restartedAt' | 'resetAt'> {
  return { restartedAt: restartWished(vps), resetAt: resetWished(vps) }
}

const holderOf = (uid: string, { namespace, name }: MachineRecord): AddressHolder => ({ kind: 'Vps', uid, namespace, name })

async function machineOf(context: MachineContext): Promise<MachineSpec> {
  const { parts, uid, signal } = context
  const vps = objectOf(context)
  const { namespace = 'default', name } = vps.metadata
  const { numaNode, gpus } = hardwareOf(vps, parts.gpus)
  const address = await parts.network.claim({ kind: 'Vps', uid, namespace, name }, vps.spec.addressClaim, signal)
  const { mode, authorizedKeys = [] } = vps.spec.ssh
  const made = mode === 'generate' && vps.status?.sshPublicKey ? [vps.status.sshPublicKey] : []
  return {
    uid,
    namespace,
    name,
    spec: vps.spec,
    authorizedKeys: [...authorizedKeys, ...made],
    ...(address ? { address } : {}),
    ...(numaNode === undefined ? {} : { numaNode }),
    ...(gpus === undefined ? {} : { gpus }),
  }
}

function locate({ name }: RestoreOrder, context: MachineContext): Promise<LocatedSnapshot> {
  const { namespace = 'default' } = objectOf(context).metadata
  return locateSnapshot({ namespace, name }, backendFor(context), context)
}

function snapshotSource({ name, request }: RestoreOrder, { uid }: LocatedSnapshot): Extract<DiskSource, { type: 'snapshot' }> {
  return { type: 'snapshot', snapshotUid: uid, name, ...(request === undefined ? {} : { request }) }
}

/** A copy has served its purpose: the snapshot lies elsewhere. */
async function letGo({ uid, isCopy }: LocatedSnapshot, context: MachineContext): Promise<void> {
  if (isCopy) await backendFor(context).removeSnapshot(uid, context.signal)
}
