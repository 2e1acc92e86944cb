import type Docker from 'dockerode'
import type { ObservedMachine } from '../../machine-backend.js'
import { labels } from '../containers/container-options.js'
import { signalNames, timeOf } from '../containers/observe-container.js'
import { machineLabels, nanoPerMilli, unlimitedMemory } from './machine-options.js'

/** A machine's container as the engine shows it. Pure. */
export function observeMachine(container: Docker.ContainerInspectInfo): ObservedMachine {
  const { State: state, HostConfig: host } = container
  const found = container.Config.Labels
  const startedAtMs = timeOf(state.StartedAt)
  const stoppedAtMs = state.Running ? undefined : timeOf(state.FinishedAt)
  const address = Object.values(container.NetworkSettings.Networks ?? {}).find((network) => network.IPAddress)?.IPAddress
  const restoredFrom = found[machineLabels.restoredFrom]
  const request = found[machineLabels.restoreRequest]
  const message = messageOf(state)
  return {
    uid: found[labels.uid] ?? '',
    namespace: found[labels.namespace] ?? '',
    name: found[labels.name] ?? '',
    state: state.Running ? 'running' : 'stopped',
    runtimeId: container.Id.slice(0, 12),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(stoppedAtMs === undefined ? {} : { stoppedAtMs }),
    ...limitsIn(host),
    ...(address && state.Running ? { address } : {}),
    ...(restoredFrom ? { restoredFrom: { name: restoredFrom, ...(request ? { request } : {}) } } : {}),
    ...(message ? { message } : {}),
  }
}

/** What it is limited to; limits that none reaches are none. */
function limitsIn({ Memory = 0, NanoCpus = 0 }: Docker.HostConfig): Pick<ObservedMachine, 'cpuMillis' | 'memoryBytes'> {
  return {
    ...(Memory > 0 && Memory < unlimitedMemory ? { memoryBytes: Memory } : {}),
    ...(NanoCpus > 0 && NanoCpus % nanoPerMilli === 0 ? { cpuMillis: NanoCpus / nanoPerMilli } : {}),
  }
}

/** How its first process ended, in words. */
function messageOf(state: Docker.ContainerInspectInfo['State']): string | undefined {
  if (state.Running) return undefined
  if (state.Status === 'created') return state.Error ? `its first process could not be started: ${state.Error}` : undefined
  if (state.OOMKilled) return 'its first process was ended by the kernel: it used more memory than its limit'
  const signal = state.ExitCode > 128 ? signalNames.get(state.ExitCode - 128) : undefined
  return signal ? `its first process was ended by ${signal}` : `its first process ended with exit code ${state.ExitCode}`
}
