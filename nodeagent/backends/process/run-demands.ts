import { BackendError, type RunSpec } from '../backend.js'

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
