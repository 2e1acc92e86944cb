import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** Who starts processes and ends them: a bench run or a test. */
export interface Owner {
  /** Folder of the build under test, with `dist/`. */
  readonly build: string
  /** A folder that is removed at the end. */
  readonly directory: string
  /** Called at the end, last first. */
  defer(stop: () => Promise<void> | void): void
}

/** The checkout, whose `dist/` is the build under test. */
export const projectRoot = path.resolve(import.meta.dirname, '../..').replace(/\/dist$/, '')

/** An owner whose `end` stops everything and removes the folder. */
export function createOwner(purpose: string, build: string = projectRoot): Owner & { end(): Promise<void> } {
  const directory = mkdtempSync(path.join(tmpdir(), `millrace-${purpose}-`))
  const stops: (() => Promise<void> | void)[] = []
  return {
    build,
    directory,
    defer: (stop) => stops.push(stop),
    async end() {
      for (const stop of stops.splice(0).reverse()) await stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
