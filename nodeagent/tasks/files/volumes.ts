/**
 * Makes what an attempt may see of the node: its home, its volumes, the files of its Secrets and ConfigMaps. Making it again changes
 * nothing but the contents of those files. What belongs to an attempt belongs to its user and can be entered by nobody else but root.
 */
import { execFile } from 'node:child_process'
import { chmod, chown, lstat, open, readFile, rm, stat, symlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Task } from '../../../lib/api/kinds/task.js'
import { memoryBytes } from '../../../lib/api/quantity.js'
import type { RunMount } from '../../backends/backend.js'
import type { AgentPaths } from '../../files/agent-paths.js'
import { makeFolder } from '../../files/make-folder.js'
import { StepError } from '../../steps/step-error.js'
import type { ConfigReader, ConfigValues } from './config-reader.js'
import { resolveInside } from './open-inside.js'
import type { AttemptFiles } from './workload-files.js'

type Volume = NonNullable<Task['spec']['volumes']>[number]

export interface VolumeOptions extends AttemptFiles {
  readonly paths: AgentPaths
  readonly asRoot: boolean
}

export const attemptFolder = (paths: AgentPaths, uid: string, attempt: number) => path.join(paths.workOf(uid), String(attempt))

export async function prepareVolumes(options: VolumeOptions, config: ConfigReader): Promise<void> {
  const { paths, uid, attempt, spec, userId } = options
  const folder = attemptFolder(paths, uid, attempt)
  await makeShared(paths.work, 0o711)
  await makePrivate(paths.workOf(uid), userId)
  await makePrivate(folder, userId)
  await makeOwned(path.join(folder, 'home'), userId)
  await makePrivate(path.join(folder, 'volumes'), userId)
  for (const volume of spec.volumes ?? []) await makeVolume(volume, options, config)
  // Links and mounts are made of what is there by now; subPath directories too.
  await mountsOf(options)
  if (!options.hasMounts) await makeLinks(options)
}

/** Where the volumes of the attempt are; prepareVolumes has made them. */
export async function mountsOf(options: VolumeOptions): Promise<RunMount[]> {
  const { spec } = options
  const mounts: RunMount[] = []
  for (const mount of spec.volumeMounts ?? []) {
    const volume = spec.volumes?.find(({ name }) => name === mount.name)
    if (!volume) throw new StepError('Unsupported', `no volume has the name "${mount.name}"`, false)
    const top = locate(volume, options)
    const source = mount.subPath ? await resolveInside(top, mount.subPath) : top
    const readOnly = mount.readOnly || volume.secret !== undefined || volume.configMap !== undefined
    mounts.push({ volume: mount.name, source, readOnly, ...(mount.mountPath === undefined ? {} : { target: mount.mountPath }) })
  }
  return mounts
}

export function linksFolder(paths: AgentPaths, uid: string, attempt: number): string {
  return path.join(attemptFolder(paths, uid, attempt), 'mounts')
}

/** Removes every volume, home and secret of a workload, with what is mounted there. */
export async function removeVolumes(paths: AgentPaths, uid: string): Promise<void> {
  for (const folder of [paths.workOf(uid), paths.secretsOf(uid)]) {
    for (const mounted of await mountsBelow(folder)) await promisify(execFile)('umount', ['--', mounted])
    await rm(folder, { recursive: true, force: true })
  }
}

export async function hasVolumes(paths: AgentPaths, uid: string): Promise<boolean> {
  const there = await Promise.all([paths.workOf(uid), paths.secretsOf(uid)].map((folder) => stat(folder).catch(() => undefined)))
  return there.some((found) => found !== undefined)
}

function locate(volume: Volume, { paths, uid, attempt }: VolumeOptions): string {
  if (volume.hostPath) return volume.hostPath.path
  if (volume.secret) return path.join(paths.secretsOf(uid), String(attempt), volume.name)
  return path.join(attemptFolder(paths, uid, attempt), 'volumes', volume.name)
}

async function makeVolume(volume: Volume, options: VolumeOptions, config: ConfigReader): Promise<void> {
  const target = locate(volume, options)
  if (volume.emptyDir) return makeEmptyDir(target, volume.emptyDir, options)
  if (volume.hostPath) return checkHostPath(volume.hostPath)
  const projection = volume.secret ?? volume.configMap
  if (!projection) throw new StepError('Unsupported', `the volume "${volume.name}" is of no kind that the agent knows`, false)
  const { paths, uid, attempt, userId } = options
  if (volume.secret) {
    await makeShared(paths.secrets, 0o711)
    await makePrivate(paths.secretsOf(uid), userId)
    await makePrivate(path.join(paths.secretsOf(uid), String(attempt)), userId)
  }
  const values = volume.secret
    ? await config.secret(volume.secret.secretName, volume.secret.optional)
    : await config.configMap(volume.configMap?.name ?? '', projection.optional)
  await writeProjection(target, projection, values ?? {}, userId)
}

type EmptyDir = NonNullable<Volume['emptyDir']>

async function makeEmptyDir(target: string, { medium, sizeLimit }: EmptyDir, { userId, asRoot, hasMounts }: VolumeOptions): Promise<void> {
  if (medium === 'Memory' && !asRoot)
    throw new StepError('Unsupported', 'emptyDir with medium Memory needs an agent that runs as root', false)
  if (medium !== 'Memory' && sizeLimit !== undefined)
    throw new StepError('Unsupported', 'emptyDir.sizeLimit is kept with medium Memory alone', false)
  await makeFolder(target)
  if (medium === 'Memory' && !(await mountsBelow(target)).includes(target)) {
    const size = sizeLimit === undefined ? [] : [`size=${memoryBytes(sizeLimit)}`]
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', ['nosuid', 'nodev', ...size].join(','), 'tmpfs', target])
  }
  if (userId !== undefined) await chown(target, userId, userId)
  // Users of a container are its own affair.
  else if (hasMounts) await chmod(target, 0o777)
}

async function checkHostPath({ path: target, type }: NonNullable<Volume['hostPath']>): Promise<void> {
  if (type === 'DirectoryOrCreate') await makeFolder(target, 0o755)
  const found = await stat(target).catch(() => undefined)
  const fits = type === '' ? true : type === 'File' ? found?.isFile() : found?.isDirectory()
  if (!found && type !== '') throw new StepError('VolumeFailed', `the host path ${target} is not there`, true)
  if (!fits) throw new StepError('VolumeFailed', `the host path ${target} is no ${type === 'File' ? 'file' : 'directory'}`, true)
}

type Projection = Pick<NonNullable<Volume['secret']>, 'items' | 'defaultMode' | 'optional'>

async function writeProjection(target: string, projection: Projection, values: ConfigValues, userId: number | undefined): Promise<void> {
  await makeOwned(target, userId, 0o755)
  const files =
    projection.items ?? Object.keys(values).map((key): { key: string; path: string; mode?: number | undefined } => ({ key, path: key }))
  for (const file of files) {
    const value = values[file.key]
    if (value === undefined) {
      if (projection.optional) continue
      throw new StepError('ConfigMissing', `there is no key "${file.key}" for the file ${file.path}`, true)
    }
    const folder = path.dirname(file.path)
    const inside = folder === '.' ? target : await resolveInside(target, folder)
    const name = path.join(inside, path.basename(file.path))
    await rm(name, { force: true })
    const handle = await open(name, 'wx', 0o600)
    try {
      await handle.writeFile(value)
      if (userId !== undefined) await handle.chown(userId, userId)
      await handle.chmod(file.mode ?? projection.defaultMode)
    } finally {
      await handle.close()
    }
  }
}

/** Without mounts a volume is a link under its name; what a link cannot keep is refused. */
async function makeLinks(options: VolumeOptions): Promise<void> {
  const links = linksFolder(options.paths, options.uid, options.attempt)
  await makePrivate(links, options.userId)
  const seen = new Set<string>()
  for (const mount of await mountsOf(options)) {
    const kind = options.spec.volumes?.find(({ name }) => name === mount.volume)
    if (mount.target !== undefined)
      throw new StepError(
        'Unsupported',
        `the volume "${mount.volume}" appears as $MILLRACE_VOLUMES/${mount.volume}: mountPath is not supported`,
        false,
      )
    if (seen.has(mount.volume))
      throw new StepError('Unsupported', `the volume "${mount.volume}" is mounted twice, which the backend cannot`, false)
    if (mount.readOnly && !kind?.secret && !kind?.configMap)
      throw new StepError('Unsupported', `readOnly of the volume "${mount.volume}" cannot be kept by the backend`, false)
    seen.add(mount.volume)
    const link = path.join(links, mount.volume)
    if (await lstat(link).catch(() => undefined)) await rm(link)
    await symlink(mount.source, link)
  }
}

/** A folder that others may pass through, but not list. */
async function makeShared(folder: string, mode: number): Promise<void> {
  await makeFolder(folder, mode)
  await chmod(folder, mode)
}

/** The agent's folder, which the attempt's user alone may pass through. */
async function makePrivate(folder: string, userId: number | undefined): Promise<void> {
  await makeFolder(folder)
  if (userId === undefined) return
  await chown(folder, 0, userId)
  await chmod(folder, 0o710)
}

/** The attempt's folder. */
async function makeOwned(folder: string, userId: number | undefined, mode = 0o700): Promise<void> {
  await makeFolder(folder, mode)
  if (userId !== undefined) await chown(folder, userId, userId)
}

/** Mount points at or below a folder, the deepest first. */
async function mountsBelow(folder: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)
}
