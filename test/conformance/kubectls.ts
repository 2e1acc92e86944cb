/** The real kubectl binaries of this machine, by minor version. */
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'

export interface Kubectl {
  /** As 1.32. */
  readonly version: string
  /** Empty where this machine has none of the version. */
  readonly file: string
}

/** The versions that Millrace supports. */
export const supportedVersions = ['1.29', '1.30', '1.31', '1.32', '1.33'] as const

/** Every supported version, from the folder that `MILLRACE_KUBECTLS` names, or from beside the kubectl on PATH. */
export function findKubectls(): Kubectl[] {
  const folder = process.env.MILLRACE_KUBECTLS ?? folderOfKubectl()
  return supportedVersions.map((version) => {
    const file = path.join(folder ?? '', `kubectl.${version}`)
    return { version, file: folder !== undefined && existsSync(file) ? file : '' }
  })
}

function folderOfKubectl(): string | undefined {
  const found = (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, 'kubectl'))
  const file = found.find((candidate) => existsSync(candidate))
  return file === undefined ? undefined : path.dirname(realpathSync(file))
}

/** Whether the user chose to leave kubectl out. */
export const isLeftOut = (process.env.MILLRACE_TEST_WITHOUT ?? '').split(',').includes('kubectl')
