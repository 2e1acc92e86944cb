import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where a script of a backend is, as `supervision/shim.pl`: beside this file, or in the tree that a build was made from. */
export function findScript(name: string): string {
  const places = [`./${name}`, `../../../nodeagent/backends/${name}`]
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file))
  if (found === undefined) throw new Error(`${name} is not there: the installation of millrace is not whole`)
  return found
}
