import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'

/** The data directory of an agent, held by this process alone. */
export interface AgentDirectory {
  readonly path: string
  /** Names the agent for good: made once, kept in the directory. */
  readonly identity: string
  /** Names this very directory on this machine: a copy of it, here or in a cloned machine, has the same identity, and is another agent. */
  readonly holder: string
  release(): Promise<void>
}

/** Two agents must never look after one directory. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError'
}

/**
 * Makes the directory where needed and holds it until `release`, or until the process ends in whatever way: the hold is an abstract socket,
 * which the kernel takes away with the process, so nothing stale can be left behind.
 */
export async function holdAgentDirectory(directory: string): Promise<AgentDirectory> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const real = realpathSync(directory)
  const mark = createHash('sha256').update(real).digest('hex').slice(0, 32)
  const server = net.createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new DirectoryInUseError(`another agent works in ${real}; end it first, or give this one another --data-dir`)
          : error,
      ),
    )
    server.listen({ path: `\0millrace-nodeagent-${mark}` }, resolve)
  })
  server.unref()
  const identityFile = path.join(real, 'identity')
  const identity = readIdentity(identityFile)
  return {
    path: real,
    identity,
    holder: `${identity}.${placeOf(identityFile)}`,
    release: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function readIdentity(file: string): string {
  try {
    writeFileSync(file, randomUUID(), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(file, 'utf8').trim()
}

/** Neither a restart, nor a reboot, nor a move of the folder changes it. */
function placeOf(file: string): string {
  const { ino, birthtimeNs } = statSync(file, { bigint: true })
  const machine = ['/etc/machine-id', '/sys/class/dmi/id/product_uuid'].map(readIfReadable)
  return createHash('sha256')
    .update([ino, birthtimeNs, ...machine].join())
    .digest('hex')
    .slice(0, 16)
}

function readIfReadable(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
