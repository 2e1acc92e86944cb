/**
 * A disk image as distributions publish it, with their own cloud-init: the manifest of the guide on a whole cluster with a bridge, by
 * OpenSSH through the gateway. Making the image and booting it without KVM take minutes; the small test guest stands for it elsewhere.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { eventually } from '../../lib/testing/eventually.js'
import { withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { reachableNameservers } from '../../nodeagent/backends/qemu/cloud-init/network-config.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { debianGuest } from '../../nodeagent/backends/qemu/fixtures/test-guest.js'
import { type NetworkBed, networkBed } from '../processes/network-bed.js'
import { type NetworkVpses, networkVpses, sshOptions } from '../processes/network-vpses.js'
import { root } from './one-machine.js'

const isLong = process.env.MILLRACE_TEST_LONG === '1' && process.getuid?.() === 0
const patienceMs = 1_200_000
const patient = { timeoutMs: patienceMs, intervalMs: 1000 }
const address = '172.30.8.9'
const gibibyte = 1024 ** 3

describe.skipIf(withoutDocker || withoutQemu || !isLong)('a Debian with its own cloud-init', { timeout: 2 * patienceMs }, () => {
  let bed: NetworkBed
  let vpses: NetworkVpses

  beforeAll(async () => {
    const image = await debianGuest()
    bed = await networkBed()
    await bed.launch('up', '--backends', 'qemu', '--network', 'bridge')
    vpses = await networkVpses(bed, patient)
    await symlink(path.join(image, 'debian.qcow2'), path.join(vpses.images, 'debian-12.qcow2'))
  }, patienceMs)
  afterAll(async () => {
    await bed?.[Symbol.asyncDispose]()
  }, patienceMs)

  /** Through the gateway, with the key that was made. */
  const ssh = async (name: string, command: string) => {
    const made = `${vpses.key}-${name}`
    const secret = await bed.kubectl('get', 'secret', `${name}-ssh`, '-o', 'jsonpath={.data.ssh-privatekey}')
    writeFileSync(made, Buffer.from(secret, 'base64'), { mode: 0o600 })
    return await vpses.ssh(name, sshOptions(made), command)
  }
  /** When it has booted, and cloud-init is through. */
  const settled = (name: string) => eventually(async () => expect(await ssh(name, 'cloud-init status')).toBe('status: done\n'), patient)
  const hostKey = (name: string) => ssh(name, 'cat /etc/ssh/ssh_host_ed25519_key.pub')
  const bytesOfRoot = async (name: string) => Number((await ssh(name, 'df -B1 --output=size / | tail -n 1')).trim())
  const manifest = () => {
    const text = readFileSync(path.join(root, 'manifests/16-virtual-machine.yaml'), 'utf8')
    return parse(text.replace(/ssh-ed25519 \S+ miller@home/, readFileSync(`${vpses.key}.pub`, 'utf8').trim())) as { spec: object }
  }
  let firstHostKey: string

  it('takes users, keys, user data, a larger disk and the address of the bridge', async () => {
    const vps = manifest()
    const claim = { apiVersion: 'millrace.dev/v1', kind: 'IPClaim', metadata: { name: 'mill', namespace: 'default' }, spec: { address } }
    await bed.apply(claim, { ...vps, spec: { ...vps.spec, addressClaim: 'mill' } })
    await vpses.inPhase('mill', 'Running', { starts: 1, address, sshCommand: expect.any(String) })
    await settled('mill')
    expect(await ssh('mill', 'hostname; cat /etc/motd /srv/mill/ready; stat -c %U /srv/mill')).toBe(
      'mill\nThe current does the work.\nset up for miller\nmiller\n',
    )
    expect(await ssh('mill', 'ip -4 -o address show eth0; ip route')).toMatch(
      /inet 172\.30\.8\.9\/16 [\s\S]*default via 172\.30\.0\.1 dev eth0 proto static/,
    )
    const servers = reachableNameservers(readFileSync('/etc/resolv.conf', 'utf8'))
    for (const server of servers) expect(await ssh('mill', 'resolvectl dns eth0')).toContain(server)
    expect(await bytesOfRoot('mill')).toBeGreaterThan(9 * gibibyte)
    // Its own users by its own sshd.
    expect(await bed.inside('ssh', ...sshOptions(vpses.key), `miller@${address}`, 'sudo -n id -u')).toBe('0\n')
    firstHostKey = await hostKey('mill')
  })

  it('has the same host key, disk and address after a stop and a start, sets nothing up again, and grows', async () => {
    await ssh('mill', 'echo mine >/srv/mill/ready')
    await bed.kubectl('stop', 'vps/mill')
    await vpses.inPhase('mill', 'Stopped')
    await bed.kubectl('patch', 'vps', 'mill', '-p', JSON.stringify({ spec: { diskSize: '12Gi' } }))
    await bed.kubectl('start', 'vps/mill')
    await vpses.inPhase('mill', 'Running', { starts: 2, address })
    await eventually(async () => expect(await bytesOfRoot('mill')).toBeGreaterThan(11 * gibibyte), patient)
    expect(await hostKey('mill')).toBe(firstHostKey)
    expect(await ssh('mill', 'cat /srv/mill/ready')).toBe('mine\n')
  })

  it('comes back from a snapshot after it was broken', async () => {
    await bed.kubectl('create', 'snapshot', 'whole', '--vps=mill')
    await eventually(() => bed.kubectl('wait', 'vsnap/whole', '--for=condition=Ready', '--timeout=60s'), patient)
    await ssh('mill', 'rm -rf /srv/mill /etc/ssh/ssh_host_*; sync')
    await bed.kubectl('restore', 'vps/mill', '--from=whole')
    await vpses.inPhase('mill', 'Running', { restoredFrom: expect.objectContaining({ name: 'whole' }), starts: 3 })
    await eventually(async () => expect(await hostKey('mill')).toBe(firstHostKey), patient)
    expect(await ssh('mill', 'cat /srv/mill/ready')).toBe('mine\n')
  })

  it('a new one of the snapshot is set up as one of its own, booted by UEFI, and asks for its address where the node has no bridge', async () => {
    await bed.kubectl('stop', 'vps/mill')
    await vpses.inPhase('mill', 'Stopped')
    await bed.launch('down')
    await bed.launch('up', '--network', 'none')
    const vps = manifest()
    const spec = { ...vps.spec, firmware: 'uefi', diskSize: '12Gi', restoreFrom: { name: 'whole' } }
    await bed.apply({ ...vps, metadata: { name: 'copy' }, spec })
    await vpses.inPhase('copy', 'Running', { starts: 1, sshCommand: expect.any(String) })
    await settled('copy')
    expect(await ssh('copy', 'hostname; cat /srv/mill/ready; ls -d /sys/firmware/efi')).toBe('copy\nset up for miller\n/sys/firmware/efi\n')
    expect(await ssh('copy', 'ip -4 -o address show eth0')).toContain('inet 10.0.2.15/24')
    expect(await hostKey('copy')).not.toBe(firstHostKey)
  })

  it('leaves nothing', async () => {
    await bed.kubectl('delete', 'vps', 'mill', 'copy', '--timeout=250s')
    await bed.kubectl('delete', 'vsnap', 'whole', '--timeout=250s')
    const left = (part: string) => readdirSync(path.join(vpses.node, part))
    await eventually(() => expect(['machines', 'machine-runs', 'images/bases', 'snapshots'].flatMap(left)).toEqual([]), patient)
  })
})
