import type { Duplex } from 'node:stream'
import { BackendError } from '../../backend.js'
import { enterContainer } from './enter-container.js'

/** Each session is a process of some megabytes. */
const mostOfOne = 16
const mostOfNode = 64

/** SFTP servers of the files of a node's containers. */
export class ContainerFiles {
  /** Sessions by container. */
  private readonly open = new Map<string, number>()

  /**
   * A server of a running container's files, with the user and the rights of its first process `pid`, whatever is in its image. Rejects
   * with a BackendError, also when too many are open.
   */
  async serve(containerId: string, pid: number, signal: AbortSignal): Promise<Duplex> {
    if (process.getuid?.() !== 0)
      throw new BackendError(
        'Unsupported',
        'only an agent that runs as root reaches the files of a container; copy them by way of exec',
        false,
      )
    const release = this.take(containerId)
    try {
      const session = await enterContainer('docker/sessions/sftp.pl', [String(pid), containerId], failure, signal)
      return session.once('close', release)
    } catch (error) {
      release()
      throw error
    }
  }

  private take(containerId: string): () => void {
    const ofOne = this.open.get(containerId) ?? 0
    const ofNode = [...this.open.values()].reduce((sum, count) => sum + count, 0)
    if (ofOne >= mostOfOne) throw tooMany(`${mostOfOne} SFTP sessions with it are open already; end one of them`)
    if (ofNode >= mostOfNode) throw tooMany(`${mostOfNode} SFTP sessions are open on its node; try again when some have ended`)
    this.open.set(containerId, ofOne + 1)
    return () => {
      const left = (this.open.get(containerId) ?? 1) - 1
      if (left > 0) this.open.set(containerId, left)
      else this.open.delete(containerId)
    }
  }
}

const failure = (why: string) => new BackendError('StartFailed', `its files cannot be reached: ${why}`, true)
const tooMany = (message: string) => new BackendError('BackendUnavailable', message, true)
