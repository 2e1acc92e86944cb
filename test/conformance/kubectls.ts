/** The real kubectl binaries of this machine, by minor version. */
import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'

export interface Kubectl {
  /** As 1.32. */
  readonly version: string
  readonly file: string
}

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const versions = ['1.29', '1.30', '1.31', '1.32', '1.33']

/** Those of 1.29 to 1.33 that lie in `MILLRACE_KUBECTLS`, or beside the kubectl on PATH. */
export function findKubectls(): Kubectl[] {
  const folder = process.env.MILLRACE_KUBECTLS ?? folderOfKubectl()
  if (folder === undefined) return []
  return versions.map((version) => ({ version, file: path.join(folder, `kubectl.${version}`) })).filter(({ file }) => existsSync(file))
}

function folderOfKubectl(): string | undefined {
  const found = (process.env.PATH ?? '').split(path.delimiter).map((folder) => path.join(folder, 'kubectl'))
  const file = found.find((candidate) => existsSync(candidate))
  return file === undefined ? undefined : path.dirname(realpathSync(file))
}

/** Whether the user chose to leave kubectl out. */
export const isLeftOut = (process.env.MILLRACE_TEST_WITHOUT ?? '').split(',').includes('kubectl')

/** Runs one kubectl command to its end; never rejects for its exit code. */
export function runKubectl(
  kubectl: Kubectl,
  options: { home: string; kubeconfig: string; input?: string },
  args: readonly string[],
): Promise<CommandResult> {
  const env = { PATH: process.env.PATH, HOME: options.home, KUBECONFIG: options.kubeconfig }
  return new Promise((resolve) => {
    const child = execFile(kubectl.file, args, { env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr })
    })
    child.stdin?.end(options.input ?? '')
  })
}
