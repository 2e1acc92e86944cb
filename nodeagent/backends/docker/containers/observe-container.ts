import { constants } from 'node:os'
import type Docker from 'dockerode'
import type { ObservedRun, RunExit, RunId } from '../../backend.js'
import { labels } from './container-options.js'

/** The run that a container is, by its labels; undefined for any other container. */
function runOfLabels(found: Readonly<Record<string, string>>): (RunId & { namespace: string; name: string }) | undefined {
  const uid = found[labels.uid]
  const attempt = Number(found[labels.attempt] ?? Number.NaN)
  const run = Number(found[labels.run] ?? Number.NaN)
  if (!uid || !Number.isInteger(attempt) || !Number.isInteger(run)) return undefined
  return { uid, attempt, run, namespace: found[labels.namespace] ?? '', name: found[labels.name] ?? '' }
}

/** A container as the engine shows it, as a run. Pure. */
export function observeContainer(container: Docker.ContainerInspectInfo): ObservedRun | undefined {
  const named = runOfLabels(container.Config.Labels)
  if (!named) return undefined
  const { namespace, name, ...id } = named
  const { State: state } = container
  const startedAtMs = timeOf(state.StartedAt)
  const address = Object.values(container.NetworkSettings.Networks ?? {}).find((network) => network.IPAddress)?.IPAddress
  return {
    id,
    namespace,
    name,
    runtimeId: container.Id.slice(0, 12),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(address && state.Running ? { address } : {}),
    ...stateOf(state),
  }
}

type ContainerState = Docker.ContainerInspectInfo['State']

function stateOf(state: ContainerState): Pick<ObservedRun, 'state' | 'exit'> {
  switch (state.Status) {
    case 'running':
    case 'restarting':
      return { state: 'running' }
    case 'paused':
      return { state: 'paused' }
    case 'created': {
      // A start that failed for its command leaves the container as created, with the code that a shell would give.
      const failure = commandFailure(state)
      return failure
        ? { state: 'exited', exit: { ...failure, oomKilled: false, finishedAtMs: timeOf(state.FinishedAt) ?? 0 } }
        : { state: 'created' }
    }
    default:
      return { state: 'exited', exit: exitOf(state) }
  }
}

function exitOf(state: ContainerState): RunExit {
  const signal = state.ExitCode > 128 ? signalNames.get(state.ExitCode - 128) : undefined
  return {
    exitCode: state.ExitCode,
    ...(signal ? { signal } : {}),
    oomKilled: state.OOMKilled,
    finishedAtMs: timeOf(state.FinishedAt) ?? 0,
  }
}

function commandFailure(state: ContainerState): Pick<RunExit, 'exitCode' | 'failure'> | undefined {
  if (state.ExitCode === 127)
    return { exitCode: 127, failure: { reason: 'CommandNotFound', message: state.Error || 'the command was not found' } }
  if (state.ExitCode === 126)
    return { exitCode: 126, failure: { reason: 'StartFailed', message: state.Error || 'the command cannot be run' } }
  return undefined
}

/** The engine knows only the code: 128 and more stands for a signal, as a shell has it. */
export const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))

/** The engine writes the year 1 for "never". */
export function timeOf(text: string | undefined): number | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms
}
