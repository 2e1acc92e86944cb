import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once, setMaxListeners } from 'node:events'
import { chown, copyFile, mkdir, mkdtemp, open as openFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frameDatagram, splitDatagrams } from '../../../../lib/stream/datagrams.js'
import { eventually } from '../../../../lib/testing/eventually.js'
import { testUsers } from '../../../fixtures/test-users.js'
import { openGuestFence } from '../../../network/guest-fence.js'
import { type Cgroups, openCgroups } from '../../cgroups/cgroups.js'
import type { MachineBackend, MachineSpec } from '../../machine-backend.js'
import { aMachine, machinesOptions } from '../fixtures/a-machine.js'
import { withoutQemu } from '../fixtures/guest-kernel.js'
import { killAgentDuring } from '../fixtures/kill-agent.js'
import { testGuest } from '../fixtures/test-guest.js'
import { QmpClient } from '../qmp-client.js'
import { QemuMachines } from './qemu-machines.js'
import { parseForwards } from './user-network.js'
import { readVirtualBytes } from './virtual-bytes.js'

const bootMs = 240_000
const isRoot = process.getuid?.() === 0

describe.skipIf(withoutQemu)('a virtual machine', { timeout: bootMs }, () => {
  const signal = AbortSignal.timeout(1_800_000)
  setMaxListeners(0, signal)
  const person = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'person' })
  const second = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'second' })
  const uid = randomUUID()
  const userData = `#cloud-config\n${JSON.stringify({
    write_files: [{ path: '/etc/greeting', content: 'hello\n' }],
    runcmd: ['echo once >>/root/boots'],
  })}`
  const snapshot = (snapshotUid: string) => ({ type: 'snapshot', snapshotUid, name: snapshotUid, request: 'again' }) as const
  let folder: string
  let images: string
  let cgroups: Cgroups | undefined
  let machines: MachineBackend & { close(): Promise<void> }

  const machine = (spec: Partial<MachineSpec['spec']> = {}, more: Partial<MachineSpec> = {}) =>
    aMachine(uid, { userData, resources: { limits: { cpu: '1', memory: '192Mi' } }, ...spec }, { authorizedKeys: [person.public], ...more })
  const open = () => QemuMachines.open({ ...machinesOptions(folder, images), cgroups })
  const observed = async () => (await machines.observeMachines(signal, uid))[0]
  const run = async (...command: string[]) => {
    const session = await machines.openMachineExec(uid, { command, stdin: false, tty: false }, signal)
    const [out, err, { exitCode }] = await Promise.all([text(session.stdout), text(session.stderr), session.ended])
    return { out, err, exitCode }
  }
  const sshAsPerson = async (command: string) => {
    const qmp = await QmpClient.connect(path.join(folder, 'machines', uid, 'qmp.sock'), signal)
    const network = String(await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' }))
    qmp.close()
    const port = parseForwards(network)[0]?.port
    const keys = JSON.parse(await readFile(path.join(folder, 'machines', uid, 'keys.json'), 'utf8')) as { host: { public: string } }
    await writeFile(path.join(folder, 'person'), person.private, { mode: 0o600 })
    await writeFile(path.join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${keys.host.public}\n`)
    const options = [`UserKnownHostsFile=${folder}/known_hosts`, 'StrictHostKeyChecking=yes', 'BatchMode=yes', 'IdentitiesOnly=yes']
    const args = ['-F', 'none', '-i', path.join(folder, 'person'), ...options.flatMap((option) => ['-o', option])]
    return (await promisify(execFile)('ssh', [...args, '-p', String(port), 'root@127.0.0.1', command])).stdout
  }
  const names = (...parts: string[]): Promise<string[]> => readdir(path.join(folder, ...parts)).catch(() => [])
  const userOf = async (which: string) =>
    (JSON.parse(await readFile(path.join(folder, 'machines', which, 'machine.json'), 'utf8')) as { userId: number }).userId
  /** Runs a shell's line once the machine's sshd answers. */
  const shell = (line: string) => eventually(() => run('sh', '-c', line), { timeoutMs: bootMs })

  beforeAll(async () => {
    images = await testGuest()
    folder = await mkdtemp(path.join(tmpdir(), 'mr-vm-'))
    cgroups = isRoot ? await openCgroups() : undefined
    machines = await open()
  }, bootMs)
  afterAll(async () => {
    await machines?.removeMachine(uid, signal)
    await machines?.close()
    await rm(folder, { recursive: true, force: true })
  }, bootMs)

  it('says what it is, and which images there are', async () => {
    const info = await machines.info(signal)
    expect(info).toMatchObject({ available: true, isolation: 'vm', images: [{ names: ['guest'] }] })
    expect(info.message).toMatch(/^guests run /)
  })

  it('boots its image, lets its user in by SSH, and does what the user data say', async () => {
    await machines.createMachine(machine(), { type: 'image' }, signal)
    expect(await observed()).toMatchObject({ state: 'stopped', namespace: 'default', name: 'box' })
    await expect(run('true')).rejects.toThrow('the machine is not running')
    await machines.startMachine(machine(), signal)
    await machines.startMachine(machine(), signal)
    expect(await observed()).toMatchObject({ state: 'running', cpuMillis: 1000, memoryBytes: 192 * 1024 * 1024 })
    // An agent that is killed while the guest boots does not disturb it.
    const { runtimeId, startedAtMs } = (await observed()) ?? {}
    await killAgentDuring({ directory: folder, images, uid, act: 'start' }, async () => false)
    expect(await observed()).toMatchObject({ state: 'running', runtimeId, startedAtMs })
    expect(await shell('hostname; cat /etc/greeting; nproc')).toEqual({ out: 'box\nhello\n1\n', err: '', exitCode: 0 })
    // The real client, with the key of a person and the host key that the node made.
    expect(await sshAsPerson('id -un')).toBe('root\n')
  })

  it.each<[string, readonly string[], Partial<Awaited<ReturnType<typeof run>>>]>([
    ['words as they are', ['printf', '%s|', "it's", '$HOME', ''], { out: "it's|$HOME||", exitCode: 0 }],
    ['both outputs', ['sh', '-c', 'echo out; echo err >&2; exit 3'], { out: 'out\n', err: 'err\n', exitCode: 3 }],
    ['a command that is not there', ['no-such-command'], { exitCode: 127 }],
    ['a signal', ['sh', '-c', 'kill -TERM $$'], { exitCode: 143 }],
    ['no input', ['cat'], { out: '', exitCode: 0 }],
  ])('runs a command: %s', async (_name, command, expected) => {
    expect(await run(...command)).toMatchObject(expected)
  })

  it('a terminal has the size that it is given, and a login shell', async () => {
    const session = await machines.openMachineExec(uid, { command: [], stdin: true, tty: true }, signal)
    session.resize({ rows: 41, columns: 132 })
    session.stdin?.write('stty size; exit 7\n')
    expect(await text(session.stdout)).toContain('41 132')
    expect(await session.ended).toEqual({ exitCode: 7 })
  })

  it('a command that nobody looks at any more ends', async () => {
    const session = await machines.openMachineExec(
      uid,
      { command: ['sh', '-c', 'echo $$; exec sleep 3600'], stdin: false, tty: false },
      signal,
    )
    const [pid] = await once(session.stdout, 'data')
    session.hangUp()
    await session.ended
    await eventually(async () => expect((await run('test', '-d', `/proc/${String(pid).trim()}`)).exitCode).toBe(1))
  })

  it('more sessions at once than one connection takes', async () => {
    const sessions = await Promise.all(
      Array.from({ length: 12 }, () => machines.openMachineExec(uid, { command: ['cat'], stdin: true, tty: false }, signal)),
    )
    for (const [index, { stdin }] of sessions.entries()) stdin?.end(`from ${index}`)
    const said = await Promise.all(
      sessions.map(async ({ stdout, stderr, ended }) => [await text(stdout), await text(stderr), (await ended).exitCode]),
    )
    expect(said).toEqual(sessions.map((_, index) => [`from ${index}`, '', 0]))
  })

  it('its files are there by SFTP', async () => {
    const stream = await machines.openMachineFiles(uid, signal)
    // SSH_FXP_INIT, version 3; the server answers with SSH_FXP_VERSION.
    stream.write(Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]))
    const [answer] = (await once(stream, 'data')) as [Buffer]
    expect([...answer.subarray(4, 9)]).toEqual([2, 0, 0, 0, 3])
    stream.destroy()
  })

  it('its ports are reached, by TCP with both halves and by UDP', async () => {
    await expect(machines.dialMachine(uid, 81, 'tcp', signal)).rejects.toMatchObject({ name: 'NotListening' })
    // The guest's busybox has no UDP; perl has sockets, and no modules.
    const echoDatagrams = `socket(S, 2, 2, 17); bind(S, pack("S n a4 x8", 2, 7001, "")); for (;;) { my $from = recv(S, my $text, 999, 0); send(S, $text, 0, $from) }`
    await run('sh', '-c', `(nc -l -p 7000 -e cat & perl -e '${echoDatagrams}' &) </dev/null >/dev/null 2>&1`)
    const stream = await eventually(() => machines.dialMachine(uid, 7000, 'tcp', signal))
    stream.end('there and back')
    expect(await text(stream)).toBe('there and back')
    const datagrams = await machines.dialMachine(uid, 7001, 'udp', signal)
    const answered = once(datagrams, 'data') as Promise<[Buffer]>
    // A datagram may get lost while the other side only just begins.
    const asking = setInterval(() => datagrams.write(frameDatagram(Buffer.from('ping'))), 200)
    const [back] = await answered.finally(() => clearInterval(asking))
    expect(splitDatagrams(back).datagrams.map(String)).toEqual(['ping'])
    datagrams.destroy()
  })

  it('several look at its console, and what it said stays in its log', async () => {
    const one = await machines.openMachineConsole(uid, signal)
    const two = await machines.openMachineConsole(uid, signal)
    const seen = [until(one, 'seen-3'), until(two, 'seen-3')]
    one.write('\necho seen-$((1 + 2))\n')
    await Promise.all(seen)
    one.destroy()
    const again = until(two, 'still-6')
    two.write('echo still-$((2 * 3))\n')
    await again
    two.destroy()
    await eventually(async () => {
      const log = await text(machines.machineLogs(uid, { follow: false, tailLines: 10 }, signal))
      expect(log).toContain('seen-3')
      expect(log).toContain('still-6')
    })
  })

  it('a snapshot shows a running machine as it was, and is taken once', async () => {
    await run('sh', '-c', 'echo one >/root/kept')
    const taken = await machines.takeSnapshot(uid, 'snap-1', signal)
    expect(taken).toMatchObject({ uid: 'snap-1', machineUid: uid })
    await run('sh', '-c', 'echo two >/root/kept')
    expect(await machines.takeSnapshot(uid, 'snap-1', signal)).toEqual(taken)
  })

  it('an agent that is killed while it takes a snapshot leaves none that is not whole', async () => {
    const doomed = { directory: folder, images, uid, act: 'snapshot' } as const
    await killAgentDuring(doomed, async () => (await names('snapshots')).includes('snap'))
    expect(await machines.takeSnapshot(uid, 'snap', signal)).toMatchObject({ uid: 'snap' })
    expect((await names('snapshots', 'snap')).sort()).toEqual(['disk.qcow2', 'snapshot.json'])
    await machines.removeSnapshot('snap', signal)
  })

  it('one that is broken off leaves nothing', async () => {
    const broken = new AbortController()
    const making = machines.takeSnapshot(uid, 'snap-0', AbortSignal.any([signal, broken.signal]))
    await eventually(async () => expect(await names('machines', uid)).toContain('snapshot.qcow2'), { intervalMs: 2 })
    broken.abort(new Error('nobody wants it any more'))
    await expect(making).rejects.toThrow('nobody wants it')
    expect(await names('machines', uid)).not.toContain('snapshot.qcow2')
    expect(await names('snapshots')).toEqual(['snap-1'])
  })

  it('a copy of the disk that a killed agent began is given up, and made anew', async () => {
    const left = path.join(folder, 'machines', uid, 'snapshot.qcow2')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', left, '1G'])
    if (isRoot) await chown(left, await userOf(uid), 0)
    const qmp = await QmpClient.connect(path.join(folder, 'machines', uid, 'qmp.sock'), signal)
    const copy = { driver: 'qcow2', 'node-name': 'copy', backing: null, file: { driver: 'file', filename: 'snapshot.qcow2' } }
    await qmp.execute('blockdev-add', copy)
    await qmp.execute('block_resize', {
      'node-name': 'copy',
      size: await readVirtualBytes(path.join(folder, 'machines', uid, 'disk.qcow2')),
    })
    const order = { 'job-id': 'snapshot', device: 'disk', target: 'copy', sync: 'full', speed: 1, 'auto-dismiss': false }
    await qmp.execute('blockdev-backup', order)
    qmp.close()
    expect(await machines.takeSnapshot(uid, 'snap-2', signal)).toMatchObject({ uid: 'snap-2' })
  })

  it('whoever holds the file that QEMU has written changes no snapshot', async () => {
    const written = path.join(folder, 'machines', uid, 'snapshot.qcow2')
    const making = machines.takeSnapshot(uid, 'snap-3', signal)
    const held = await eventually(() => openFile(written, 'r+'), { intervalMs: 2 })
    await making
    const disk = path.join(folder, 'snapshots/snap-3/disk.qcow2')
    const before = await readFile(disk)
    await held.write('not what was looked at', 0)
    await held.close()
    expect(before.equals(await readFile(disk))).toBe(true)
    expect((await machines.observeSnapshots(signal)).map((snapshot) => snapshot.uid).sort()).toEqual(['snap-1', 'snap-2', 'snap-3'])
  })

  it('goes on when its agent ends, and the next one takes it over', async () => {
    const ready = () =>
      eventually(async () => {
        const machine = await observed()
        expect(machine).toMatchObject({ answer: { isReady: true } })
        return machine
      })
    const before = await ready()
    const hostKey = await readFile(path.join(folder, 'machines', uid, 'keys.json'), 'utf8')
    await machines.close()
    await mkdir(path.join(folder, 'snapshots/cut-off'))
    machines = await open()
    expect(await names('snapshots')).not.toContain('cut-off')
    expect(await ready()).toEqual(before)
    await machines.startMachine(machine(), signal)
    expect((await observed())?.runtimeId).toBe(before?.runtimeId)
    expect((await run('cat', '/root/kept')).out).toBe('two\n')
    expect(await readFile(path.join(folder, 'machines', uid, 'keys.json'), 'utf8')).toBe(hostKey)
  })

  it.runIf(isRoot)('its QEMU has a user of its own, who sees nothing of the agent, and nothing of other machines', async () => {
    const userId = await userOf(uid)
    expect(userId).toBeGreaterThanOrEqual(testUsers?.machines.first ?? 0)
    expect(await readFile(`/proc/${(await observed())?.runtimeId}/status`, 'utf8')).toMatch(
      new RegExp(`^Uid:\\s${userId}\\s${userId}\\s${userId}\\s${userId}\\nGid:\\s${userId}\\s${userId}\\s${userId}\\s${userId}\\n`, 'm'),
    )
    const group = (await cgroups?.keys())?.find((name) => name.startsWith(`${uid}.0.0.`))
    if (cgroups) expect(await cgroups.pids(group ?? 'none')).toContain(Number((await observed())?.runtimeId))
    const other = machine({}, { uid: randomUUID() })
    await machines.createMachine(other, { type: 'image' }, signal)
    const base = await readdir(path.join(folder, 'images/bases'))
    for (const part of [
      '.',
      'machines',
      'machine-runs',
      `machines/${other.uid}`,
      `machines/${other.uid}/disk.qcow2`,
      `images/bases/${base[0]}/disk`,
    ])
      expect(asUser(userId, folder, ['cat', '--', part]).stderr, part).toContain('Permission denied')
    // Where QEMU finds itself, it sees what it has open already.
    const own = path.join(folder, 'machines', uid)
    for (const [part, words] of [
      ['keys.json', 'Permission denied'],
      ['machine.json', 'Permission denied'],
      ['seed.iso', 'Permission denied'],
      ['snapshot.qcow2', 'No such file'],
    ] as const)
      expect(asUser(userId, own, ['cat', '--', part]).stderr, part).toContain(words)
    expect(asUser(userId, own, ['ls']).stderr).toContain('Permission denied')
    expect(asUser(userId, own, ['touch', 'disk.qcow2']).stderr).toContain('Permission denied')
    expect(asUser(userId, own, ['touch', 'new']).stderr).toContain('Permission denied')
    await machines.removeMachine(other.uid, signal)
  })

  it.runIf(isRoot)('reaches others, and nothing that listens on the node: on its loopback, or at its own address', async () => {
    const rules = openGuestFence(process.env.PATH ?? '')
    const hear = (host: string, port: number) => run('sh', '-c', `nc -w 5 ${host} ${port} </dev/null`)
    const words = 'heard'
    const server = net.createServer((socket) => socket.end(words)).listen(0)
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const elsewhere = await anotherMachine(words)
    try {
      expect(await hear(elsewhere.address, elsewhere.port)).toMatchObject({ out: words, exitCode: 0 })
      for (const host of ['10.0.2.2', elsewhere.own]) expect(await hear(host, port), host).toMatchObject({ out: '', exitCode: 1 })
      // It is the fence that keeps it from them; it is put again when it is looked after.
      for (const host of ['10.0.2.2', elsewhere.own])
        await eventually(async () => {
          await rules.lower(`${uid}.0.0`, signal)
          expect(await hear(host, port), host).toMatchObject({ out: words })
        })
      await rules.raise(`${uid}.0.0`, await userOf(uid), signal)
      expect(await hear('10.0.2.2', port)).toMatchObject({ out: '', exitCode: 1 })
    } finally {
      server.close()
      elsewhere.end()
    }
  })

  it('keeps its keys to itself', async () => {
    for (const file of ['keys.json', 'seed.iso']) expect((await stat(path.join(folder, 'machines', uid, file))).mode & 0o077).toBe(0)
  })

  it('stops politely, and says so', async () => {
    await run('sh', '-c', 'rm -f /root/kept; echo broken >/etc/greeting')
    await expect(machines.restoreMachine(machine(), snapshot('snap-2'), signal)).rejects.toThrow('the machine runs')
    await machines.stopMachine(uid, bootMs, signal)
    await machines.stopMachine(uid, bootMs, signal)
    expect(await observed()).toMatchObject({ state: 'stopped', message: 'the guest powered off' })
    await expect(machines.openMachineConsole(uid, signal)).rejects.toThrow('not running')
  })

  it('one snapshot goes, and the others stay whole', async () => {
    await machines.takeSnapshot(uid, 'snap-4', signal)
    await machines.removeSnapshot('snap-1', signal)
    await machines.removeSnapshot('snap-1', signal)
    expect((await machines.observeSnapshots(signal)).map((each) => each.uid).sort()).toEqual(['snap-2', 'snap-3', 'snap-4'])
    for (const uidOf of ['snap-2', 'snap-3', 'snap-4'])
      execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', path.join(folder, 'snapshots', uidOf, 'disk.qcow2')])
  })

  it('goes to another node as one file, and is the same there', async () => {
    const packed = await machines.exportSnapshot('snap-2', signal)
    expect(await machines.exportSnapshot('snap-2', signal)).toEqual(packed)
    expect(packed.digest).toBe(
      `sha256:${createHash('sha256')
        .update(await readFile(packed.path))
        .digest('hex')}`,
    )
    const sent = path.join(folder, 'sent.qcow2')
    await copyFile(packed.path, sent)
    await machines.importSnapshot(sent, 'snap-5', uid, signal)
    await machines.importSnapshot(sent, 'snap-5', uid, signal)
    await expect(stat(sent)).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await machines.observeSnapshots(signal)).find((each) => each.uid === 'snap-5')).toMatchObject({ machineUid: uid })
    const info = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', '-f', 'qcow2', packed.path]).toString()) as object
    expect(info).not.toHaveProperty('backing-filename')
  })

  it('a file that needs another one is no snapshot', async () => {
    const hostile = path.join(folder, 'hostile.qcow2')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', hostile, '1M'])
    await expect(machines.importSnapshot(hostile, 'snap-6', uid, signal)).rejects.toThrow('needs a backing file')
  })

  it('comes back from the copy of another node, with the resources, disk size and keys that it is to have now', async () => {
    const changed = machine(
      { resources: { limits: { cpu: '2', memory: '256Mi' } }, diskSize: '1Gi' },
      {
        authorizedKeys: [second.public],
      },
    )
    await machines.restoreMachine(changed, snapshot('snap-5'), signal)
    expect(await observed()).toMatchObject({ state: 'stopped', restoredFrom: { name: 'snap-5', request: 'again' } })
    await writeFile(path.join(folder, 'machines', uid, 'snapshot.qcow2'), 'of a copy that was cut off')
    await machines.startMachine(changed, signal)
    expect(await names('machines', uid)).not.toContain('snapshot.qcow2')
    expect(await observed()).toMatchObject({ cpuMillis: 2000, memoryBytes: 256 * 1024 * 1024, diskBytes: 1024 ** 3 })
    expect((await shell('cat /root/kept /etc/greeting; nproc; cat /sys/block/vda/size; cat /root/boots')).out).toBe(
      `two\nhello\n2\n${1024 ** 3 / 512}\nonce\n`,
    )
    const { out } = await run('cat', '/root/.ssh/authorized_keys')
    expect(out).toContain(second.public)
    expect(out).not.toContain(person.public)
  })

  // A boot more; the contract's long form has one too.
  it.runIf(process.env.MILLRACE_TEST_LONG === '1')('starts anew when its reset button is pressed', async () => {
    const bootId = async () => (await run('cat', '/proc/sys/kernel/random/boot_id')).out
    const before = await bootId()
    await machines.resetMachine(uid, signal)
    expect(await eventually(bootId, { timeoutMs: bootMs })).not.toBe(before)
    expect(await observed()).toMatchObject({ state: 'running' })
  })

  it('that QEMU was killed is seen, and said', async () => {
    const hinted = new Promise<void>((resolve) => machines.subscribe(resolve))
    process.kill(Number((await observed())?.runtimeId), 'SIGKILL')
    await hinted
    const seen = await eventually(async () => {
      const now = await observed()
      expect(now?.state).toBe('stopped')
      return now
    })
    expect(seen?.message).toMatch(/^QEMU was killed with SIGKILL/)
  })

  it.runIf(isRoot)(
    'one that an agent started whose machines had other users and no groups goes on, and gets one of the present ones at the next start',
    async () => {
      const before = await QemuMachines.open({ ...machinesOptions(folder, images), users: { first: 265_536, count: 65_536 } })
      await before.startMachine(machine(), signal)
      await before.close()
      await machines.close()
      machines = await open()
      const uidOf = async () => /^Uid:\s(\d+)/m.exec(await readFile(`/proc/${(await observed())?.runtimeId}/status`, 'utf8'))?.[1]
      expect(await uidOf()).toMatch(/^(2[6-9]|3\d)\d{4}$/)
      expect(await machines.takeSnapshot(uid, 'snap-7', signal)).toMatchObject({ uid: 'snap-7' })
      await machines.stopMachine(uid, 0, signal)
      await machines.startMachine(machine(), signal)
      expect(Number(await uidOf())).toBeGreaterThanOrEqual(testUsers?.machines.first ?? 0)
      expect(await uidOf()).toBe(String(await userOf(uid)))
      await machines.stopMachine(uid, 0, signal)
    },
  )

  it('refuses what the node cannot give, in words', async () => {
    await expect(machines.resizeMachine(machine(), signal)).rejects.toMatchObject({ reason: 'Unsupported' })
    for (const [gpus, words] of [
      [[{ index: 0 }], 'the node has no PCI device 0000:01:00.0'],
      [[{ index: 7 }], 'does not know where its GPU 7 is'],
    ] as const)
      await expect(machines.startMachine(machine({}, { gpus }), signal)).rejects.toThrow(words)
    const other = machine({ diskSize: '1Mi' }, { uid: randomUUID() })
    await expect(machines.createMachine(other, { type: 'image' }, signal)).rejects.toThrow('a disk does not shrink')
    await machines.removeMachine(other.uid, signal)
  })

  it('one whose record cannot be read is removed nevertheless, and keeps no other from it', async () => {
    const [damaged, whole] = [machine({}, { uid: randomUUID() }), machine({}, { uid: randomUUID() })]
    for (const each of [damaged, whole]) await machines.createMachine(each, { type: 'image' }, signal)
    await writeFile(path.join(folder, 'machines', damaged.uid, 'machine.json'), '{')
    await machines.removeMachine(whole.uid, signal)
    await machines.removeMachine(damaged.uid, signal)
    expect(await names('machines')).toEqual([uid])
  })

  it('leaves nothing but its snapshots, and then nothing', async () => {
    await machines.removeMachine(uid, signal)
    await machines.removeMachine(uid, signal)
    expect(await machines.observeMachines(signal)).toEqual([])
    expect(await readdir(path.join(folder, 'machines'))).toEqual([])
    expect(await readdir(path.join(folder, 'machine-runs'))).toEqual([])
    expect(await readdir(path.join(folder, 'images/bases'))).toHaveLength(1)
    for (const { uid: each } of await machines.observeSnapshots(signal)) await machines.removeSnapshot(each, signal)
    expect(await readdir(path.join(folder, 'snapshots'))).toEqual([])
    expect(await readdir(path.join(folder, 'images/bases'))).toEqual([])
  })
})

/** A machine beside this one, which says some words to whoever calls. */
async function anotherMachine(words: string) {
  const mark = randomBytes(3).toString('hex')
  const name = `mrvm${mark}`
  const range = `10.254.${Number.parseInt(mark.slice(0, 2), 16)}`
  const ip = (line: string) => execFileSync('ip', line.split(' '))
  const end = () => {
    program?.kill('SIGKILL')
    // The cable goes with its end.
    ip(`netns delete ${name}`)
  }
  let program: ChildProcess | undefined
  ip(`netns add ${name}`)
  try {
    ip(`link add ${name} type veth peer name inner netns ${name}`)
    ip(`address add ${range}.1/30 dev ${name}`)
    ip(`link set ${name} up`)
    ip(`-n ${name} address add ${range}.2/30 dev inner`)
    ip(`-n ${name} link set inner up`)
    ip(`-n ${name} route add default via ${range}.1`)
    const script = `require('node:net').createServer((socket) => socket.end('${words}')).listen(7000, () => console.log('listens'))`
    const listening = spawn('nsenter', [`--net=/run/netns/${name}`, process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    program = listening
    await once(listening.stdout, 'data')
  } catch (error) {
    end()
    throw error
  }
  return { address: `${range}.2`, port: 7000, own: `${range}.1`, end }
}

/** What a program says that a user runs in a folder, where root has put it. */
function asUser(userId: number, folder: string, command: readonly string[]) {
  const script = 'use POSIX; my $id = shift; chdir shift or die; $) = "$id $id"; POSIX::setgid($id); POSIX::setuid($id); exec @ARGV'
  return spawnSync('perl', ['-e', script, String(userId), folder, ...command], { encoding: 'utf8' })
}

/** Resolves once the stream has said it. */
async function until(stream: Readable, words: string): Promise<void> {
  let said = ''
  for (;;) {
    const [chunk] = (await once(stream, 'data')) as [Buffer]
    said += chunk.toString()
    if (said.includes(words)) return
  }
}

async function text(stream: NodeJS.ReadableStream | undefined): Promise<string> {
  let read = ''
  for await (const chunk of stream ?? []) read += String(chunk)
  return read
}
