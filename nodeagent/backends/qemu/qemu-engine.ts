import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import path from 'node:path'
import { readBootId } from '../supervision/proc.js'
import { probeKvm } from './kvm-probe.js'

/** The QEMU of this node. */
export interface QemuEngine {
  readonly binary: string
  /** As 7.2.22. */
  readonly version: string
  readonly accelerator: 'kvm' | 'tcg'
  /** Why it is this accelerator, in words. */
  readonly why: string
}

export interface QemuPlaces {
  /** A path, or the name of a program. */
  readonly binary: string
  /** Where the finding about KVM is kept. */
  readonly directory: string
  readonly searchPath: string
}

/** What there is; `missing` says in words why nothing is, and what to do. */
export async function findQemu({ binary, directory, searchPath }: QemuPlaces): Promise<QemuEngine | { readonly missing: string }> {
  const found = await findProgram(binary, searchPath)
  if (found === undefined)
    return { missing: `${binary} is not installed; on Debian and Ubuntu: apt-get install qemu-system-x86 qemu-utils` }
  const version = await readVersion(found)
  if (version === undefined) return { missing: `${found} does not say its version; is it QEMU?` }
  const finding = await probeKvm({ binary: found, version, directory, bootId: await readBootId(), searchPath })
  return { binary: found, version, accelerator: finding.works ? 'kvm' : 'tcg', why: finding.why }
}

/** For the Node's status. */
export function describeEngine({ accelerator, why }: QemuEngine): string {
  return accelerator === 'kvm' ? `guests run on KVM: ${why}` : `guests run without KVM, and therefore slowly: ${why}`
}

async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  const places = name.includes('/') ? [name] : searchPath.split(path.delimiter).map((folder) => path.join(folder, name))
  for (const place of places) {
    try {
      await access(place, constants.X_OK)
      return place
    } catch {
      // the next folder
    }
  }
  return undefined
}

function readVersion(binary: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(binary, ['--version'], { timeout: 30_000 }, (error, stdout) =>
      resolve(error ? undefined : /version (\d+\.\d+(?:\.\d+)?)/.exec(stdout)?.[1]),
    )
  })
}
