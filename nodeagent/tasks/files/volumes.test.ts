import { execFileSync } from 'node:child_process'
import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Task } from '../../../lib/api/kinds/task.js'
import { type AgentPaths, agentPaths } from '../../files/agent-paths.js'
import { aTask } from '../../fixtures/a-task.js'
import { StepError } from '../../steps/step-error.js'
import type { ConfigReader, ConfigValues } from './config-reader.js'
import { attemptFolder, hasVolumes, linksFolder, mountsOf, prepareVolumes, removeVolumes, type VolumeOptions } from './volumes.js'

const asRoot = process.getuid?.() === 0
const userId = asRoot ? 200_777 : undefined
let folder: string
let paths: AgentPaths
let values: Record<string, ConfigValues>

const config: ConfigReader = {
  secret: async (name, optional) => valuesOf(name, optional),
  configMap: async (name, optional) => valuesOf(name, optional),
}
function valuesOf(name: string, optional: boolean): ConfigValues | undefined {
  if (!values[name] && !optional) throw new StepError('ConfigMissing', `"${name}" is not there`, true)
  return values[name]
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-volumes-'))
  paths = await agentPaths({ data: folder, work: path.join(folder, 'work'), asRoot })
  values = { creds: { user: Buffer.from('me'), key: Buffer.from('canary') } }
})
afterEach(async () => {
  await removeVolumes(paths, 'u-1')
  await rm(paths.secrets, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
})

type Volumes = NonNullable<Task['spec']['volumes']>
type Mounts = NonNullable<Task['spec']['volumeMounts']>
const options = (volumes: Volumes, volumeMounts: Mounts, more: Partial<VolumeOptions> = {}): VolumeOptions => ({
  paths,
  uid: 'u-1',
  attempt: 0,
  spec: aTask({ spec: { volumes, volumeMounts } }).spec,
  userId,
  hasMounts: false,
  asRoot,
  ...more,
})
const secret = (more: object = {}): Volumes[number] => ({
  name: 'creds',
  secret: { secretName: 'creds', defaultMode: 0o644, optional: false, ...more },
})
const mount = (name: string, more: Partial<Mounts[number]> = {}): Mounts[number] => ({ name, readOnly: false, ...more })

describe('the files of an attempt', () => {
  it('are its own, and nobody else passes', async () => {
    await prepareVolumes(options([{ name: 'data', emptyDir: { medium: '' } }], [mount('data')]), config)
    const home = await stat(path.join(attemptFolder(paths, 'u-1', 0), 'home'))
    expect(home.mode & 0o777).toBe(0o700)
    if (asRoot) {
      expect(home.uid).toBe(userId)
      expect((await stat(paths.workOf('u-1'))).mode & 0o777).toBe(0o710)
    }
    expect(await hasVolumes(paths, 'u-1')).toBe(true)
    await removeVolumes(paths, 'u-1')
    expect(await hasVolumes(paths, 'u-1')).toBe(false)
  })

  it('are made again without harm to what is in them', async () => {
    const wanted = options([{ name: 'data', emptyDir: { medium: '' } }, secret()], [mount('data'), mount('creds')])
    await prepareVolumes(wanted, config)
    const kept = path.join(linksFolder(paths, 'u-1', 0), 'data', 'kept')
    await writeFile(kept, 'x')
    values.creds = { key: Buffer.from('newer') }
    await prepareVolumes(wanted, config)
    expect(await readFile(kept, 'utf8')).toBe('x')
    expect(await readFile(path.join(linksFolder(paths, 'u-1', 0), 'creds/key'), 'utf8')).toBe('newer')
  })

  it('secrets lie on a tmpfs where there is one, and have the modes asked for', async () => {
    await prepareVolumes(options([secret({ items: [{ key: 'key', path: 'deep/er/key', mode: 0o400 }] })], [mount('creds')]), config)
    const top = await readlink(path.join(linksFolder(paths, 'u-1', 0), 'creds'))
    expect(top.startsWith(paths.secretsInMemory ? '/dev/shm/' : folder)).toBe(true)
    expect(await readFile(path.join(top, 'deep/er/key'), 'utf8')).toBe('canary')
    expect((await stat(path.join(top, 'deep/er/key'))).mode & 0o777).toBe(0o400)
    expect(await readdir(top)).toEqual(['deep'])
    await removeVolumes(paths, 'u-1')
    await expect(stat(top)).rejects.toThrow('ENOENT')
  })

  it.each([
    [secret({ secretName: 'absent' }), '"absent" is not there'],
    [secret({ items: [{ key: 'none', path: 'x' }] }), 'there is no key "none"'],
    [secret({ items: [{ key: 'key', path: '../../x/key' }] }), 'does not stay inside'],
  ])('a projection %j waits: %s', async (volume, words) => {
    await expect(prepareVolumes(options([volume], [mount('creds')]), config)).rejects.toThrow(words)
  })

  it('a config that may be absent is an empty directory', async () => {
    await prepareVolumes(
      options([{ name: 'conf', configMap: { name: 'absent', defaultMode: 0o644, optional: true } }], [mount('conf')]),
      config,
    )
    expect(await readdir(path.join(linksFolder(paths, 'u-1', 0), 'conf'))).toEqual([])
  })

  it.each([
    [mount('data', { mountPath: 'somewhere' }), 'mountPath is not supported'],
    [mount('data', { readOnly: true }), 'readOnly'],
  ])('a mount %j that a link cannot keep is refused for good', async (wanted, words) => {
    const preparing = prepareVolumes(options([{ name: 'data', emptyDir: { medium: '' } }], [wanted]), config)
    await expect(preparing).rejects.toMatchObject({ reason: 'Unsupported', retryable: false, message: expect.stringContaining(words) })
  })

  it('host paths are checked for what they shall be', async () => {
    const host = (target: string, type: 'Directory' | 'File' | '' | 'DirectoryOrCreate'): Volumes => [
      { name: 'host', hostPath: { path: target, type } },
    ]
    const made = path.join(folder, 'made')
    await expect(prepareVolumes(options(host(made, 'Directory'), []), config)).rejects.toThrow('is not there')
    await prepareVolumes(options(host(made, 'DirectoryOrCreate'), [mount('host')]), config)
    expect(await readlink(path.join(linksFolder(paths, 'u-1', 0), 'host'))).toBe(made)
    await expect(prepareVolumes(options(host(made, 'File'), []), config)).rejects.toThrow('is no file')
    await removeVolumes(paths, 'u-1')
    expect((await lstat(made)).isDirectory()).toBe(true)
  })

  it('mounts say where each volume is and whether it may be written', async () => {
    const volumes: Volumes = [{ name: 'data', emptyDir: { medium: '' } }, secret()]
    const wanted = options(volumes, [mount('data', { mountPath: '/d', subPath: 'in/side' }), mount('creds', { mountPath: '/c' })], {
      hasMounts: true,
      userId: undefined,
    })
    await prepareVolumes(wanted, config)
    expect(await mountsOf(wanted)).toEqual([
      { volume: 'data', source: path.join(attemptFolder(paths, 'u-1', 0), 'volumes/data/in/side'), target: '/d', readOnly: false },
      { volume: 'creds', source: path.join(paths.secretsOf('u-1'), '0/creds'), target: '/c', readOnly: true },
    ])
  })

  it('a size limit on a disk, and memory without root, are refused', async () => {
    const limited = options([{ name: 'data', emptyDir: { medium: '', sizeLimit: '1Mi' } }], [])
    await expect(prepareVolumes(limited, config)).rejects.toMatchObject({ reason: 'Unsupported', retryable: false })
    const memory = options([{ name: 'data', emptyDir: { medium: 'Memory' } }], [], { asRoot: false, userId: undefined })
    await expect(prepareVolumes(memory, config)).rejects.toMatchObject({ reason: 'Unsupported' })
  })

  it.runIf(asRoot)('memory is a tmpfs of the size asked for, mounted once, and unmounted', async () => {
    const wanted = options([{ name: 'data', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }], [mount('data')])
    await prepareVolumes(wanted, config)
    await prepareVolumes(wanted, config)
    const target = path.join(attemptFolder(paths, 'u-1', 0), 'volumes/data')
    const mounted = () =>
      execFileSync('cat', ['/proc/self/mounts'])
        .toString()
        .split('\n')
        .filter((line) => line.includes(target))
    expect(mounted()).toHaveLength(1)
    expect(mounted()[0]).toContain('size=1024k')
    await expect(writeFile(path.join(target, 'big'), Buffer.alloc(2 * 1024 ** 2))).rejects.toThrow('ENOSPC')
    await removeVolumes(paths, 'u-1')
    expect(mounted()).toEqual([])
  })
})
