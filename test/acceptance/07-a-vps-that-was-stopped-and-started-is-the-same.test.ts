/**
 * Acceptance check 7: a Docker Vps and a QEMU Vps, stopped and started: the same
 * SSH key, the same content of the disk, the same fixed address.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { testGuest } from '../../nodeagent/backends/qemu/fixtures/test-guest.js'
import { type NetworkBed, networkBed } from '../processes/network-bed.js'
import { type NetworkVpses, networkVpses, sshOptions } from '../processes/network-vpses.js'

const canHaveNamespaces = process.getuid?.() === 0
const patient = { timeoutMs: 120_000, intervalMs: 250 }

describe.skipIf(withoutDocker || withoutQemu || !canHaveNamespaces)('a Vps that was stopped and started', { timeout: 300_000 }, () => {
  let bed: NetworkBed
  let vpses: NetworkVpses

  beforeAll(async () => {
    const guest = await testGuest()
    bed = await networkBed()
    await bed.launch('up', '--backends', 'docker,qemu', '--network', 'bridge')
    vpses = await networkVpses(bed, patient)
    for (const file of readdirSync(guest)) await copyFile(path.join(guest, file), path.join(vpses.images, file))
    await Promise.all(['docker', 'qemu'].map(create))
  }, 300_000)
  afterAll(async () => {
    await bed?.[Symbol.asyncDispose]()
  }, 120_000)

  const addresses: Record<string, string> = { docker: '172.30.7.7', qemu: '172.30.8.8' }

  /** Its address is reserved before it exists. */
  async function create(backend: string): Promise<void> {
    const metadata = { name: backend, namespace: 'default' }
    const kind = (name: string) => ({ apiVersion: 'millrace.dev/v1', kind: name, metadata })
    await bed.apply(
      { ...kind('IPClaim'), spec: { address: addresses[backend] } },
      {
        ...kind('Vps'),
        spec: {
          backend,
          ...(backend === 'docker' ? { image: bed.engine.image, imagePullPolicy: 'Never' } : { image: 'guest' }),
          resources: { limits: { cpu: '1', memory: '160Mi' } },
          ssh: { mode: 'keys', authorizedKeys: [readFileSync(`${vpses.key}.pub`, 'utf8').trim()] },
          addressClaim: backend,
        },
      },
    )
  }
  /** Through the gateway, whose host key is known and must not change. */
  const ssh = (name: string, knownHosts: string, command: string) =>
    eventually(() => vpses.ssh(name, sshOptions(vpses.key, knownHosts), command), patient)

  it.concurrent.each([
    ['a Docker Vps', 'docker', 'hostname; stat -c %i /etc/mine'],
    ['a QEMU Vps', 'qemu', 'sha256sum /etc/ssh/ssh_host_ed25519_key /root/.ssh/authorized_keys'],
  ])(
    'acceptance check 7: %s has the same SSH key, the same content of the disk and the same fixed address',
    async (_title, name, identity) => {
      const address = addresses[name]
      const first = await vpses.inPhase(name, 'Running', { starts: 1, address, sshHostKey: expect.stringContaining('ssh-ed25519') })
      const knownHosts = `${vpses.key}-${name}-hosts`
      writeFileSync(knownHosts, `${first.sshHostKey}\n`)
      await ssh(name, knownHosts, 'echo mine > /etc/mine && sync')
      const before = await ssh(name, knownHosts, identity)
      expect(await ssh(name, knownHosts, 'ip -4 -o address')).toContain(` ${address}/16 `)

      await bed.kubectl('stop', `vps/${name}`)
      await vpses.inPhase(name, 'Stopped')
      expect(await bed.kubectl('get', 'ipclaim', name, '-o', 'jsonpath={.spec.holder.name}')).toBe(name)
      await bed.kubectl('start', `vps/${name}`)
      const again = await vpses.inPhase(name, 'Running', { starts: 2, address })

      expect([again.sshHostKey, again.sshCommand]).toEqual([first.sshHostKey, first.sshCommand])
      expect(await ssh(name, knownHosts, 'cat /etc/mine')).toBe('mine\n')
      expect(await ssh(name, knownHosts, identity)).toBe(before)
      expect(await ssh(name, knownHosts, 'ip -4 -o address')).toContain(` ${address}/16 `)
      await bed.inside('/bin/busybox', 'ping', '-c', '1', '-W', '10', address ?? '')
    },
  )

  it('a QEMU Vps, whose guest is its own master, is heard with no other address or card than its own', async () => {
    const dropped = async () => {
      const rules = (await bed.inside('ebtables-save', '-c'))
        .split('\n')
        .filter((line) => /-A mrbr\w+-port-\w+ -i mr\w+ -j DROP/.test(line))
      expect(rules).toHaveLength(1)
      return Number(/^\[(\d+):/.exec(rules[0] ?? '')?.[1])
    }
    const asks = (...more: string[]) => ['ping', '-c', '1', '-W', '2', ...more, '172.30.0.1', '>/dev/null && echo heard'].join(' ')
    const tried = (...words: string[]) => ssh('qemu', `${vpses.key}-qemu-hosts`, words.join('; '))
    expect(await tried(asks())).toBe('heard\n')
    let before = await dropped()
    const other = '172.30.77.77'
    expect(await tried(`ip address add ${other}/32 dev eth0`, asks('-I', other), `ip address del ${other}/32 dev eth0`)).toBe('')
    expect(await dropped()).toBeGreaterThan(before)
    before = await dropped()
    const card = (address: string) => `ip link set eth0 address ${address}`
    expect(await tried('own=$(cat /sys/class/net/eth0/address)', card('52:54:00:aa:bb:cc'), asks(), card('$own'))).toBe('')
    expect(await dropped()).toBeGreaterThan(before)
    await eventually(async () => expect(await tried(asks())).toBe('heard\n'), patient)
  })
})
