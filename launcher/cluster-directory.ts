import { accessSync, constants, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { LaunchError } from './launch-error.js'

/** Where everything of a one-machine cluster lies. */
export interface ClusterDirectory {
  readonly path: string
  /** What was decided when the cluster was made. */
  readonly recordFile: string
  readonly adminKubeconfig: string
  readonly runFolder: string
  readonly logFolder: string
  kubeconfig(program: string): string
  log(program: string): string
  node(name: string): string
}

/** DIR under XDG_DATA_HOME that `up` uses when none is named. */
export function defaultDirectory(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return path.join(env.XDG_DATA_HOME || path.join(home, '.local/share'), 'millrace/default')
}

export function clusterDirectory(directory: string): ClusterDirectory {
  const at = (...parts: string[]): string => path.join(directory, ...parts)
  return {
    path: directory,
    recordFile: at('cluster.json'),
    adminKubeconfig: at('admin.kubeconfig'),
    runFolder: at('run'),
    logFolder: at('log'),
    kubeconfig: (program) => at(`${program}.kubeconfig`),
    log: (program) => at('log', `${program}.log`),
    node: (name) => at('nodes', name),
  }
}

/** Makes the directory, for its owner alone. Throws LaunchError when it cannot be used. */
export function prepareDirectory(directory: ClusterDirectory): void {
  try {
    for (const folder of [directory.path, directory.runFolder, directory.logFolder]) mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(directory.path, constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'it may not be written to by this user'
        : code === 'ENOTDIR' || code === 'EEXIST'
          ? 'something that is no directory stands in its path'
          : `${code ?? String(error)}`
    throw new LaunchError(
      `The data directory ${directory.path} cannot be used: ${why}. Choose another one with --data-dir, or mend this one.`,
      { cause: error },
    )
  }
}

/** Throws LaunchError for a directory that holds something else than a cluster: nothing of it is ever overwritten or removed. */
export function refuseForeignDirectory(directory: ClusterDirectory, isCluster: boolean): void {
  if (isCluster) return
  let names: string[]
  try {
    names = readdirSync(directory.path)
  } catch {
    return
  }
  const foreign = names.filter((name) => !['run', 'log', 'apiserver'].includes(name))
  if (foreign.length > 0)
    throw new LaunchError(
      `${directory.path} holds files that are not a cluster's (${foreign.slice(0, 3).join(', ')}). Choose an empty directory with --data-dir.`,
    )
}
