import { Vps, type VpsStatus } from '../../lib/api/kinds/vps.js'
import type { AgentParts } from '../agent-parts.js'
import type { MachineBackend, ObservedMachine } from '../backends/machine-backend.js'
import { backendUnavailable } from '../steps/step-error.js'
import { StepLoop, type StepRules } from '../steps/step-loop.js'
import { type MachineActual, noMachine } from './machine-actual.js'
import { machineExecutors } from './machine-executors.js'
import type { ExecutableMachineStep } from './machine-step.js'
import { restartWished } from './machine-wishes.js'
import { planMachine } from './plan-machine.js'
import { vpsStatus } from './vps-status.js'

const rules: StepRules<Vps, ExecutableMachineStep, MachineBackend> = {
  executors: machineExecutors,
  failureReasons: {
    admit: 'BackendUnavailable',
    prepareImage: 'ImagePullFailed',
    create: 'CreateFailed',
    start: 'StartFailed',
    restore: 'RestoreFailed',
  },
  // Disks are copied, and may be large.
  deadlineMs: { prepareImage: 3_600_000, create: 3_600_000, restore: 3_600_000, start: 600_000 },
  interruptible: new Set(['admit', 'prepareImage', 'stop']),
  interruptibleInPart: new Set(['create', 'restore']),
}

/** The loop of one Vps on its node. */
export class MachineLoop extends StepLoop<Vps, ExecutableMachineStep, MachineActual, MachineBackend> {
  constructor(
    private readonly parts: AgentParts,
    private readonly uid: string,
    signal: AbortSignal,
    onGone: () => void,
  ) {
    super({ parts, objects: parts.client.of(Vps), log: parts.log.child({ vps: uid }), uid, signal, onGone }, rules, noMachine)
  }

  /** Whoever changes what is asked for, or asks for a restart, has what failed tried again at once. */
  override setObject(vps: Vps | undefined): void {
    const before = this.object
    if (vps && before && (vps.metadata.generation !== before.metadata.generation || restartWished(vps) !== restartWished(before)))
      this.remembered = { ...this.remembered, failures: [] }
    super.setObject(vps)
  }

  protected async look(signal: AbortSignal): Promise<MachineActual> {
    const machines: ObservedMachine[] = []
    for (const backend of this.backend ? [this.backend] : this.parts.machines.values())
      machines.push(...(await backend.observeMachines(signal, this.uid)))
    const record = await this.parts.machineRecords.read(this.uid)
    const resizesWhileRunning = this.backend?.machineFeatures.has('resizeWhileRunning') ?? false
    const atStart = this.object && this.backend?.amountsAtStart?.(this.object.spec)
    return { ...noMachine, machine: machines[0], record, resizesWhileRunning, atStart }
  }

  protected plan = planMachine
  protected statusOf = (vps: Vps, actual: MachineActual, nowMs: number): VpsStatus => vpsStatus(vps, actual, nowMs)

  protected isNothing({ machine, record }: MachineActual): boolean {
    return machine === undefined && record === undefined
  }

  /** One that was never started waits for its backend; of one that runs nothing new is known, and nothing is said. */
  protected unseen(error: unknown): MachineActual | undefined {
    if (this.last?.machine || this.object?.status?.startedAt !== undefined) return undefined
    return { ...noMachine, failures: [backendUnavailable(error)] }
  }

  protected preparedAfter({ type }: ExecutableMachineStep, { admission, image }: MachineActual['prepared']): MachineActual['prepared'] {
    return { admission: admission || type === 'admit', image: type !== 'create' && (image || type === 'prepareImage') }
  }

  protected get backend(): MachineBackend | undefined {
    return this.object && this.parts.machines.get(this.object.spec.backend)
  }
}
