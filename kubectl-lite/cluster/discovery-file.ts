import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ApiResource } from './api-resource.js'

const keepMs = 10 * 60 * 1000

/** Discovery kept between commands. A file that cannot be read or written is no failure: the server is asked instead. */
export interface DiscoveryFile {
  read(): readonly ApiResource[] | undefined
  write(resources: readonly ApiResource[]): void
}

/** `identity` tells clusters apart, also two that had the same address one after the other: it includes the CA. */
export function createDiscoveryFile(folder: string, identity: string, now: () => number): DiscoveryFile {
  const file = path.join(folder, `discovery-${createHash('sha256').update(identity).digest('hex').slice(0, 24)}.json`)
  return {
    read() {
      try {
        if (now() - statSync(file).mtimeMs > keepMs) return undefined
        const resources: unknown = JSON.parse(readFileSync(file, 'utf8'))
        return Array.isArray(resources) ? (resources as ApiResource[]) : undefined
      } catch {
        return undefined
      }
    },
    write(resources) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        const draft = `${file}.${process.pid}`
        writeFileSync(draft, JSON.stringify(resources))
        renameSync(draft, file)
      } catch {
        // A read-only home, for instance: the next command asks the server again.
      }
    },
  }
}
