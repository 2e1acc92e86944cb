import { type FSWatcher, watch } from 'node:fs'

/** Changes in folders, as hints. */
export interface FolderChanges {
  /** True once something changed since the last call; false after a second, for what the kernel did not tell. Rejects when aborted. */
  next(signal: AbortSignal): Promise<boolean>
  close(): void
}

const longestWaitMs = 1000

export function watchFolders(folders: readonly string[]): FolderChanges {
  let changed = false
  let wake: (() => void) | undefined
  const onChange = () => {
    changed = true
    wake?.()
  }
  const watchers = folders.flatMap((folder): FSWatcher[] => {
    try {
      const watcher = watch(folder, { persistent: false }, onChange)
      watcher.on('error', onChange)
      return [watcher]
    } catch {
      return [] // no such folder yet, or no watches left: the timer looks again
    }
  })
  return {
    next: (signal) =>
      new Promise((resolve, reject) => {
        const finish = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', finish)
          wake = undefined
          const seen = changed
          changed = false
          if (signal.aborted) reject(signal.reason)
          else resolve(seen)
        }
        const timer = setTimeout(finish, longestWaitMs)
        signal.addEventListener('abort', finish, { once: true })
        wake = finish
        if (changed || signal.aborted) finish()
      }),
    close: () => {
      for (const watcher of watchers) watcher.close()
    },
  }
}

/** Calls `onChange` after changes in a folder, until the signal aborts. */
export async function followFolder(folder: string, onChange: () => void, signal: AbortSignal): Promise<void> {
  const changes = watchFolders([folder])
  try {
    while (!signal.aborted) if (await changes.next(signal)) onChange()
  } catch {
    // aborted
  } finally {
    changes.close()
  }
}
