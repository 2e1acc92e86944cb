import { Vps, type VpsStatus } from '../../lib/api/kinds/vps.js'
import type { MachineBackend, ObservedMachine } from '../backends/machine-backend.js'
import { describeFailure } from '../execute/step-error.js'
import type { AgentParts } from '../execute/workload-context.js'
import { StepLoop, type StepRules } from '../step-loop.js'
import { type MachineActual, noMachine } from './machine-actual.js'
import type { MachineContext } from './machine-context.js'
import { machineExecutors } from './machine-executors.js'
import type { ExecutableMachineStep, MachineStepType } from './machine-step.js'
import { restartWished } from './machine-wishes.js'
import { planMachine } from './plan-machine.js'
import { vpsStatus } from './vps-status.js'

const rules: StepRules<MachineStepType> = {
  failureReasons: {
    admit: 'BackendUnavailable',
    prepareImage: 'ImagePullFailed',
    create: 'CreateFailed',
    start: 'StartFailed',
    restore: 'RestoreFailed',
  },
  // Disks are copied, and may be large.
  deadlineMs: { prepareImage: 3_600_000, create: 3_600_000, restore: 3_600_000, start: 600_000 },
  interruptible: new Set<MachineStepType>(['admit', 'prepareImage', 'stop']),
}

/** The loop of one Vps on its node. */
export class MachineLoop extends StepLoop<Vps, ExecutableMachineStep, MachineActual> {
  private remembered: Pick<MachineActual, 'prepared' | 'pullProgress'> = { prepared: noMachine.prepared }

  constructor(
    private readonly parts: AgentParts,
    private readonly uid: string,
    signal: AbortSignal,
    onGone: () => void,
  ) {
    const { client, clock, events } = parts
    super({ objects: client.of(Vps), clock, events, log: parts.log.child({ vps: uid }), uid, signal, onGone }, rules)
  }

  /** Whoever changes what is asked for, or asks for a restart, has what failed tried again at once. */
  override setObject(vps: Vps | undefined): void {
    const before = this.object
    if (vps && before && (vps.metadata.generation !== before.metadata.generation || restartWished(vps) !== restartWished(before)))
      this.failures = []
    super.setObject(vps)
  }

  protected async look(signal: AbortSignal): Promise<MachineActual> {
    const machines: ObservedMachine[] = []
    for (const backend of this.backend ? [this.backend] : this.parts.machines.values())
      machines.push(...(await backend.observeMachines(signal, this.uid)))
    const record = await this.parts.machineRecords.read(this.uid)
    const resizesWhileRunning = this.backend?.machineFeatures.has('resizeWhileRunning') ?? false
    const atStart = this.object && this.backend?.amountsAtStart?.(this.object.spec)
    return this.remembering({ ...noMachine, machine: machines[0], record, resizesWhileRunning, atStart })
  }

  protected remembering(actual: MachineActual): MachineActual {
    return { ...actual, ...this.remembered, failures: this.failures }
  }

  protected plan = planMachine
  protected statusOf = (vps: Vps, actual: MachineActual, nowMs: number): VpsStatus => vpsStatus(vps, actual, nowMs)

  protected isNothing({ machine, record }: MachineActual): boolean {
    return machine === undefined && record === undefined
  }

  /** One that was never started waits for its backend; of one that runs nothing new is known, and nothing is said. */
  protected unseen(error: unknown): MachineActual | undefined {
    if (this.last?.machine || this.object?.status?.startedAt !== undefined) return undefined
    const described = describeFailure(error, 'BackendUnavailable')
    return { ...noMachine, failures: [{ type: 'admit', ...described, retryable: true, count: 1, retryAtMs: 0 }] }
  }

  protected execute(step: ExecutableMachineStep, signal: AbortSignal): Promise<void> {
    const context: MachineContext = {
      parts: this.parts,
      uid: this.uid,
      vps: this.object,
      backend: this.backend,
      signal,
      onPullProgress: (text) => this.onPullProgress(text),
      onWritten: (vps) => this.onWritten(vps),
      onGone: () => {
        this.object = undefined
      },
    }
    const executor = machineExecutors[step.type] as (step: ExecutableMachineStep, context: MachineContext) => Promise<void>
    return executor(step, context)
  }

  protected override onSucceeded({ type }: ExecutableMachineStep): void {
    const { admission, image } = this.remembered.prepared
    this.remembered = {
      prepared: { admission: admission || type === 'admit', image: type !== 'create' && (image || type === 'prepareImage') },
    }
  }

  protected override onFailed(_step: ExecutableMachineStep, reason: string): void {
    const { prepared } = this.remembered
    // Somebody removed the image after it was found: it is looked for again.
    this.remembered = { prepared: { ...prepared, image: prepared.image && reason !== 'ImageNotFound' } }
  }

  private onPullProgress(text: string): void {
    if (!this.last) return
    this.remembered = { ...this.remembered, pullProgress: text }
    this.report(this.remembering(this.last))
  }

  private get backend(): MachineBackend | undefined {
    return this.object && this.parts.machines.get(this.object.spec.backend)
  }
}
