import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { ContainerInspectInfo } from 'dockerode'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { VpsSpec } from '../../../../lib/api/kinds/vps.js'
import { defaultVpsSpec } from '../../../../lib/testing/a-vps.js'
import { eventually } from '../../../../lib/testing/eventually.js'
import { helpersOfAgent, statusOfProcess } from '../../fixtures/helpers-of-agent.js'
import { u32 as numberPart, text as pathPart, SftpProbe } from '../../fixtures/sftp-probe.js'
import { describeMachines } from '../../machine-backend.contract.js'
import type { MachineSpec } from '../../machine-backend.js'
import { hiddenInSize } from '../fixtures/hidden-archive.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../fixtures/test-engine.js'
import { ContainerFiles } from '../sessions/container-files.js'
import { DockerMachines } from './docker-machines.js'

describe.skipIf(withoutDocker)('with a Docker engine', () => {
  let engine: TestEngine
  let directory: string
  const open = (agent = 'test') => DockerMachines.open({ socketPath: engine.socketPath, agent, directory, network: 'none' })

  beforeAll(async () => {
    engine = await startTestEngine()
    directory = await mkdtemp(path.join(tmpdir(), 'mr-snapshots-'))
    const images = {
      own: 'FROM scratch\nCOPY --from=busybox:1.36 /bin/busybox /busybox\nENTRYPOINT ["/busybox", "sleep", "1000"]',
      nothing: 'FROM scratch\nCOPY --from=busybox:1.36 /bin/busybox /server',
      kept: 'FROM busybox:1.36\nVOLUME /var/data',
      user: 'FROM busybox:1.36\nUSER 1000',
    }
    for (const [name, lines] of Object.entries(images)) await writeFile(path.join(directory, name), `${lines}\n`)
  })
  afterAll(async () => {
    await engine.close()
    await rm(directory, { recursive: true, force: true })
  })

  describeMachines('docker', async () => ({
    open,
    spec: { image: engine.image },
    echo: (port) => ['nc', '-ll', '-p', String(port), '-e', 'cat'],
  }))

  const signal = AbortSignal.timeout(600_000)
  const aMachine = (uid: string, spec: Partial<VpsSpec> = {}): MachineSpec => ({
    uid,
    namespace: 'default',
    name: uid,
    spec: { ...defaultVpsSpec, image: engine.image, ...spec },
    authorizedKeys: [],
  })
  const docker = (...args: string[]) => promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args])
  const names = async () => (await docker('ps', '-a', '--format', '{{.Names}}')).stdout.split('\n').filter(Boolean)
  const observe = async (machines: DockerMachines, uid: string) => (await machines.observeMachines(signal, uid))[0]
  const runs = async (machines: DockerMachines, uid: string, script: string) => {
    const session = await machines.openMachineExec(uid, { command: ['sh', '-c', script], stdin: false, tty: false }, signal)
    const [out] = await Promise.all([text(session.stdout), session.ended])
    return out
  }
  const begin = async (machines: DockerMachines, machine: MachineSpec) => {
    await machines.createMachine(machine, { type: 'image' }, signal)
    await machines.startMachine(machine, signal)
  }

  describe('a machine in a container', () => {
    let machines: DockerMachines
    beforeAll(async () => {
      machines = await open()
    })
    afterEach(async () => {
      for (const { uid } of await machines.observeMachines(signal)) await machines.removeMachine(uid, signal)
      for (const { uid } of await machines.observeSnapshots(signal)) await machines.removeSnapshot(uid, signal)
      expect(await names()).toEqual([])
      expect((await docker('images', '-q', '-f', 'dangling=true')).stdout).toBe('')
    })
    afterAll(() => machines.close())

    it('tells all that runs in it to end, and ends when the last has', async () => {
      const machine = aMachine('polite')
      await begin(machines, machine)
      const shell = await machines.openMachineExec('polite', { command: [], stdin: true, tty: true }, signal)
      await runs(machines, 'polite', '(trap "sleep 1; echo saved > /etc/saved; exit" TERM; while :; do sleep 0.1; done) > /dev/null 2>&1 &')
      await machines.stopMachine('polite', 30_000, signal)
      expect(await observe(machines, 'polite')).toMatchObject({ state: 'stopped', message: 'its first process ended with exit code 0' })
      shell.stdout.resume()
      await shell.ended
      await machines.startMachine(machine, signal)
      expect(await runs(machines, 'polite', 'cat /etc/saved')).toBe('saved\n')
    })

    it('of an image without a shell runs what the image is made for, and says it when that is nothing', async () => {
      await docker('build', '-t', 'own:1', '-f', path.join(directory, 'own'), directory)
      await begin(machines, aMachine('own', { image: 'own:1' }))
      expect(await observe(machines, 'own')).toMatchObject({ state: 'running' })
      await docker('build', '-t', 'nothing:1', '-f', path.join(directory, 'nothing'), directory)
      await expect(machines.createMachine(aMachine('nothing', { image: 'nothing:1' }), { type: 'image' }, signal)).rejects.toMatchObject({
        reason: 'Unsupported',
        retryable: false,
        message: expect.stringContaining('spec.command'),
      })
      expect(await names()).toEqual(['millrace-vps-own'])
    })

    it('says that it used more memory than its limit', async () => {
      await begin(machines, aMachine('hungry', { command: ['tail', '/dev/zero'], resources: { limits: { memory: '16Mi' } } }))
      await eventually(async () =>
        expect(await observe(machines, 'hungry')).toMatchObject({
          state: 'stopped',
          message: expect.stringContaining('more memory than its limit'),
        }),
      )
    })

    it('is there, whole and once, wherever its restore is cut off', async () => {
      const machine = aMachine('restored')
      await begin(machines, machine)
      await runs(machines, 'restored', 'echo good > /etc/state')
      await machines.takeSnapshot('restored', 'snap', signal)
      await runs(machines, 'restored', 'echo broken > /etc/state')
      await machines.stopMachine('restored', 5_000, signal)
      const source = { type: 'snapshot', snapshotUid: 'snap', name: 's' } as const
      // Cut off after the new container was made: the old one is the machine.
      await docker('create', '--name', 'millrace-vps-restored.next', ...(await labelsOf('millrace-vps-restored')), engine.image, 'true')
      expect(await observe(machines, 'restored')).toMatchObject({ state: 'stopped' })
      expect(await observe(machines, 'restored')).not.toHaveProperty('restoredFrom')
      await machines.restoreMachine(machine, source, signal)
      expect(await names()).toEqual(['millrace-vps-restored'])
      // Cut off after the old one went: the new one is the machine, and gets its name.
      await docker('rename', 'millrace-vps-restored', 'millrace-vps-restored.next')
      expect(await observe(machines, 'restored')).toMatchObject({ state: 'stopped', restoredFrom: { name: 's' } })
      await machines.startMachine(machine, signal)
      expect(await names()).toEqual(['millrace-vps-restored'])
      expect(await runs(machines, 'restored', 'cat /etc/state')).toBe('good\n')
    })

    it('whose image keeps data in a volume has no snapshots, and says why', async () => {
      await docker('build', '-t', 'kept:1', '-f', path.join(directory, 'kept'), directory)
      await begin(machines, aMachine('volume', { image: 'kept:1' }))
      await expect(machines.takeSnapshot('volume', 'snap', signal)).rejects.toMatchObject({
        reason: 'Unsupported',
        message: expect.stringContaining('/var/data'),
      })
    })

    it("is nobody else's", async () => {
      const theirs = await open('theirs')
      await begin(machines, aMachine('mine'))
      await machines.takeSnapshot('mine', 'snap', signal)
      expect(await theirs.observeMachines(signal)).toEqual([])
      expect(await theirs.observeSnapshots(signal)).toEqual([])
      await theirs.close()
    })

    it("finds an image by its name alone: not by the beginning of an id, which may be that of anybody's disk", async () => {
      const prepare = (image: string) =>
        machines.prepareMachineImage({ ...defaultVpsSpec, image, imagePullPolicy: 'Never' }, () => {}, signal)
      const { stdout } = await docker('images', '--quiet', '--no-trunc', engine.image)
      const id = stdout.trim().replace('sha256:', '')
      for (const image of [id, id.slice(0, 12), id.slice(0, 6)]) await expect(prepare(image)).rejects.toThrow('is not on the node')
      for (const image of [`sha256:${id}`, `sha256:${id.slice(0, 6)}`]) await expect(prepare(image)).rejects.toThrow('by its name')
      for (const image of [engine.image, `docker.io/library/${engine.image}`]) await prepare(image)
    })

    it('takes no file of another node that would give its image the name of another', async () => {
      const file = path.join(directory, 'named.tar')
      await docker('save', '--output', file, engine.image)
      await expect(machines.importSnapshot(file, 'hostile', 'machine', signal)).rejects.toThrow('gives a name to an image')
      expect((await machines.observeSnapshots(signal)).map(({ uid }) => uid)).not.toContain('hostile')
    })

    it('takes no such file that two readers read in two ways', async () => {
      const file = path.join(directory, 'hidden.tar')
      await docker('tag', engine.image, 'stolen:1')
      await docker('save', '--output', file, 'stolen:1')
      await docker('rmi', 'stolen:1')
      await writeFile(file, hiddenInSize(await readFile(file)))
      await expect(machines.importSnapshot(file, 'hostile', 'machine', signal)).rejects.toThrow()
      expect((await docker('images', '-q', 'stolen')).stdout).toBe('')
    })

    it('shows its own files alone, and opens nothing but plain ones', async () => {
      await begin(machines, aMachine('files'))
      const outside = path.join(directory, 'outside')
      await writeFile(outside, 'secret')
      await runs(
        machines,
        'files',
        `ln -s ${outside} /etc/link; ln -s ../../../..${outside} /etc/up; mknod /etc/device c 1 5; mkfifo /etc/pipe; echo x > /etc/file`,
      )
      const sftp = new SftpProbe(await machines.openMachineFiles('files', signal))
      expect(await sftp.init()).toBe(3)
      for (const name of ['link', 'up', `../../../..${outside}`]) await expect(sftp.read(`/etc/${name}`)).rejects.toThrow('status 2')
      for (const name of ['device', 'pipe']) await expect(sftp.read(`/etc/${name}`)).rejects.toThrow('status 4')
      await sftp.done(14, pathPart('/etc/folder'), numberPart(4), numberPart(0o750))
      await sftp.done(18, pathPart('/etc/file'), pathPart('/etc/folder/moved'))
      await sftp.done(9, pathPart('/etc/folder/moved'), numberPart(4), numberPart(0o600))
      await sftp.done(20, pathPart('/etc/folder/moved'), pathPart('/etc/alias'))
      expect(await runs(machines, 'files', 'stat -c "%a %F" /etc/folder /etc/folder/moved; cat /etc/alias')).toBe(
        '750 directory\n600 regular file\nx\n',
      )
      await expect(sftp.done(18, pathPart('/etc/alias'), pathPart('/etc/folder/moved'))).rejects.toThrow('status 4')
      await expect(sftp.done(15, pathPart('/etc/folder'))).rejects.toThrow('status 4')
      await sftp.done(13, pathPart('/etc/folder/moved'))
      await sftp.done(15, pathPart('/etc/folder'))
      expect(await sftp.list('/')).toEqual(expect.arrayContaining(['bin', 'etc', 'proc']))
      expect((await sftp.ask(99))[0]).toBe(101)
      await expect(sftp.done(13)).rejects.toThrow('status 5')
      sftp.end()
    })

    it('shows its files with the rights of its first process, and none of the agent', async () => {
      await begin(machines, aMachine('rights'))
      const sftp = new SftpProbe(await machines.openMachineFiles('rights', signal))
      await sftp.init()
      const { stdout } = await docker('inspect', 'millrace-vps-rights')
      const [{ Id, State }] = JSON.parse(stdout) as [ContainerInspectInfo]
      const [inside, helper] = [await statusOfProcess(State.Pid), (await helpersOfAgent('sftp.pl'))[0]?.status]
      const { Uid, Gid, CapPrm, CapEff, CapBnd } = inside
      expect(helper).toMatchObject({ Uid, Gid, CapPrm, CapEff, CapBnd, CapInh: '0000000000000000', NoNewPrivs: '1' })
      expect(CapEff).not.toBe((await statusOfProcess(process.pid)).CapEff)
      // Root's file, for whom the kernel's log is: not for root in a container.
      await expect(sftp.read('/proc/kmsg')).rejects.toThrow('status 3')
      // There is no request that makes a device, and one that is there, of whatever disk, opens for nobody.
      await runs(machines, 'rights', 'mknod /disk b 254 0; mknod /log c 1 11; mkdir /mnt')
      for (const name of ['disk', 'log']) await expect(sftp.read(`/${name}`)).rejects.toThrow('status 4')
      await expect(sftp.done(9, pathPart('/log'), numberPart(1), numberPart(0), numberPart(0))).rejects.toThrow('status 4')
      // Only the container's own first process leads into it.
      const files = new ContainerFiles()
      for (const pid of [process.pid, 4_194_305])
        await expect(files.serve(Id, pid, signal)).rejects.toMatchObject({ message: expect.stringContaining('the container has ended') })
      sftp.end()
    })

    it('ends the sessions with its files when it ends, and has so many and no more', async () => {
      await begin(machines, aMachine('sessions'))
      const open = () => machines.openMachineFiles('sessions', signal)
      const sessions = await Promise.all(Array.from({ length: 16 }, open))
      await expect(open()).rejects.toMatchObject({
        reason: 'BackendUnavailable',
        message: expect.stringContaining('16 SFTP sessions with it are open already'),
      })
      sessions.pop()?.destroy()
      await eventually(async () => sessions.push(await open()))
      const ended = sessions.map((session) => new Promise((resolve) => session.resume().once('close', resolve)))
      await machines.stopMachine('sessions', 30_000, signal)
      await Promise.all(ended)
      expect(await helpersOfAgent('sftp.pl')).toEqual([])
    })

    it('shows its files to the user of its first process, as far as that one may', async () => {
      await docker('build', '-t', 'user:1', '-f', path.join(directory, 'user'), directory)
      await begin(machines, aMachine('user', { image: 'user:1' }))
      const sftp = new SftpProbe(await machines.openMachineFiles('user', signal))
      await sftp.init()
      await sftp.write('/tmp/mine', Buffer.from('x'))
      expect(await runs(machines, 'user', 'stat -c %u /tmp/mine')).toBe('1000\n')
      await expect(sftp.write('/etc/theirs', Buffer.from('x'))).rejects.toThrow('status 3')
      sftp.end()
    })

    it('goes on when its engine is killed', async () => {
      await begin(machines, aMachine('survivor'))
      const before = await observe(machines, 'survivor')
      await engine.restart()
      expect(await eventually(() => observe(machines, 'survivor'))).toEqual(before)
    })
  })

  async function labelsOf(name: string): Promise<string[]> {
    const { stdout } = await docker('inspect', name, '--format', '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}\n{{end}}')
    return stdout
      .split('\n')
      .filter(Boolean)
      .flatMap((label) => ['--label', label])
  }
})
