import { cpuMillis, memoryBytes } from '../../../lib/api/quantity.js'
import { BackendError, type RunSpec } from '../backend.js'
import type { CgroupLimits } from './cgroups.js'

/** The server refuses these too; an agent does not rely on it. */
export function refuseUnsupported(run: RunSpec, command: readonly string[]): void {
  const refused = run.spec.image
    ? 'images'
    : run.spec.privileged
      ? 'privileged'
      : run.mounts.some((mount) => mount.target !== undefined)
        ? 'mounts at a path'
        : undefined
  if (refused) throw new BackendError('Unsupported', `the process backend does not support ${refused}`, false)
  if (command.length === 0) throw new BackendError('Unsupported', 'the process backend needs a command', false)
}

/** The limits of a run, in the units of its control groups. */
export function limitsOf(spec: RunSpec['spec']): CgroupLimits & { memoryBytes: number | undefined } {
  const { limits, requests } = spec.resources ?? {}
  const cpuRequest = requests?.cpu ?? limits?.cpu
  return {
    memoryBytes: limits?.memory === undefined ? undefined : memoryBytes(limits.memory),
    cpuLimitMillis: limits?.cpu === undefined ? undefined : cpuMillis(limits.cpu),
    cpuRequestMillis: cpuRequest === undefined ? undefined : cpuMillis(cpuRequest),
  }
}
