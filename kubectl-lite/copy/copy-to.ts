import { lstat } from 'node:fs/promises'
import path from 'node:path'
import { create } from 'tar'
import { UsageError } from '../cli/exit-code.js'
import type { ByteIo } from '../cli/io.js'
import type { Cluster } from '../cluster/cluster.js'
import type { TaskAddress } from '../sessions/find-task.js'
import { runInTask } from '../sessions/run-in-task.js'
import { showProgress } from './progress.js'

/** Copies a file or folder into a Task. A folder that is there takes it under its own name; else the last part of `to` is its name. */
export async function copyTo(io: ByteIo, cluster: Cluster, from: string, address: TaskAddress, to: string): Promise<void> {
  const source = path.resolve(io.cwd, from)
  if (!(await lstat(source).catch(() => undefined))) throw new UsageError(`${from} is not there`)
  const base = path.basename(source)
  if (base === '') throw new UsageError('name a file or a folder below /')
  const clean = to.replace(/\/+$/, '') || '/'
  const isFolder = clean === '/' || (await run(['test', '-d', clean])).exitCode === 0
  const name = isFolder ? base : path.posix.basename(clean)
  const folder = isFolder ? clean : path.posix.dirname(clean)
  const progress = showProgress(io)
  const archive = create(
    {
      cwd: path.dirname(source),
      portable: true,
      maxReadSize: 256 * 1024,
      linkCache: new NoLinks(),
      onWriteEntry(entry) {
        entry.path = name + entry.path.replace(/^\.\//, '').slice(base.length)
      },
    },
    [`./${base}`],
  )
  try {
    const { exitCode, words } = await run(['tar', 'xmf', '-', '-C', folder], counted(archive, progress.add))
    if (exitCode !== 0) throw new Error(`the Task's tar ended with code ${exitCode}: ${words.trim()}`)
  } finally {
    progress.end()
  }

  async function run(command: string[], input?: AsyncIterable<Uint8Array>) {
    let words = ''
    const listen = async (chunk: Uint8Array) => {
      words = (words + Buffer.from(chunk).toString()).slice(0, maxWords)
    }
    const exitCode = await runInTask(cluster, address, command, { input, out: listen, err: listen }, io.signal)
    return { exitCode, words }
  }
}

const maxWords = 4096

/** Files with several names go as several files: the names in an archive are others than here. */
class NoLinks extends Map<`${number}:${number}`, string> {
  override set(): this {
    return this
  }
}

async function* counted(chunks: AsyncIterable<Uint8Array>, add: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    add(chunk.length)
    yield chunk
  }
}
