import type { Duplex } from 'node:stream'
import { BackendError } from '../../backend.js'
import { enterContainer } from '../enter-container.js'

/** An SFTP server of a running container's files, as the user of its first process, whatever is in its image. */
export function openContainerFiles(pid: number, signal: AbortSignal): Promise<Duplex> {
  if (process.getuid?.() !== 0)
    throw new BackendError(
      'Unsupported',
      'only an agent that runs as root reaches the files of a container; copy them by way of exec',
      false,
    )
  const failure = (why: string) => new BackendError('StartFailed', `its files cannot be reached: ${why}`, true)
  return enterContainer('docker/sftp.pl', [String(pid)], failure, signal)
}
