import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { machineKeys, readMachineKeys } from './machine-keys.js'
import { networkConfigFile, reachableNameservers } from './network-config.js'
import { shellQuote, userDataFile } from './user-data.js'

const ours = { hostKey: { private: 'PRIVATE', public: 'ssh-ed25519 HOST' }, rootKeys: ['ssh-ed25519 AGENT', "ssh-ed25519 HERS it's hers"] }
/** The JSON of the parts that are cloud-config of ours. */
const configs = (text: string) =>
  [...text.matchAll(/#cloud-config\n(\{[\s\S]*?\n\})\n/g)].map(([, json = '']) => JSON.parse(json) as Record<string, unknown>)

describe('the user data of a seed', () => {
  it('are ours alone where the owner has none', () => {
    const [hostKey, rootKeys] = configs(userDataFile(undefined, ours))
    expect(hostKey).toMatchObject({ disable_root: false, ssh_keys: { ed25519_private: 'PRIVATE', ed25519_public: 'ssh-ed25519 HOST' } })
    expect(rootKeys).toHaveProperty('bootcmd')
  })

  it.each([
    ['#cloud-config\npackages: [git]\n', 'Content-Type: text/plain; charset="utf-8"'],
    ['#!/bin/sh\necho hi\n', 'Content-Type: text/plain; charset="utf-8"'],
    ['Content-Type: multipart/mixed; boundary="x"\n\n--x\n\nhi\n--x--\n', 'Content-Type: multipart/mixed; boundary="x"'],
  ])("the owner's come first, as they are: %j", (owners, head) => {
    const text = userDataFile(owners, ours)
    const boundary = /^Content-Type: multipart\/mixed; boundary="([^"]+)"/.exec(text)?.[1]
    const parts = text.split(`--${boundary}`)
    expect(parts).toHaveLength(5)
    expect(parts[1]?.trimStart().startsWith(head)).toBe(true)
    expect(parts[1]).toContain(owners)
  })

  it("the keys are written by a shell, between marks, beside the owner's own", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'mr-root-'))
    try {
      const [, { bootcmd = [] } = {}] = configs(userDataFile(undefined, ours)) as [object, { bootcmd?: string[][] }]
      const script = bootcmd[0]?.[2]?.replaceAll('/root/', `${folder}/`) ?? ''
      execFileSync('sh', ['-c', script])
      const file = path.join(folder, '.ssh/authorized_keys')
      await writeFile(file, `ssh-ed25519 OWN\n${await readFile(file, 'utf8')}`)
      execFileSync('sh', ['-c', script])
      const lines = (await readFile(file, 'utf8')).trim().split('\n')
      expect(lines.filter((line) => !line.startsWith('#'))).toEqual(['ssh-ed25519 OWN', ...ours.rootKeys])
      expect((await stat(file)).mode & 0o077).toBe(0)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('a word stays one for a shell', () =>
    expect(execFileSync('sh', ['-c', `printf %s ${shellQuote("a 'b' $c")}`]).toString()).toBe("a 'b' $c"))
})

describe('the network of a seed', () => {
  const address = { address: '172.30.0.5', prefixLength: 24, gateway: '172.30.0.1', bridge: 'mr0', mac: '52:54:00:00:00:01' }

  it('is static where the machine has an address', () => {
    expect(JSON.parse(networkConfigFile(address.mac, address, ['10.0.0.53']))).toEqual({
      version: 2,
      ethernets: {
        nic0: {
          match: { macaddress: address.mac },
          'set-name': 'eth0',
          addresses: ['172.30.0.5/24'],
          routes: [{ to: '0.0.0.0/0', via: '172.30.0.1' }],
          nameservers: { addresses: ['10.0.0.53'] },
        },
      },
    })
  })

  it('is asked for where it has none', () => {
    expect(JSON.parse(networkConfigFile(address.mac, undefined, []))).toMatchObject({ ethernets: { nic0: { dhcp4: true } } })
  })

  it('a name server that listens on the node alone is none for a machine', () => {
    expect(reachableNameservers('# hi\nnameserver 127.0.0.53\nnameserver ::1\nnameserver fe80::1%eth0\n nameserver 10.0.0.53\n')).toEqual([
      '10.0.0.53',
    ])
  })
})

describe('the keys of a machine', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-keys-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('are made once, and only the agent may read them', async () => {
    expect(await readMachineKeys(folder)).toBeUndefined()
    const keys = await machineKeys(folder)
    expect(await machineKeys(folder)).toEqual(keys)
    expect(await readdir(folder)).toEqual(['keys.json'])
    expect((await stat(path.join(folder, 'keys.json'))).mode & 0o777).toBe(0o600)
    const parsed = ssh2.utils.parseKey(keys.agent.private)
    expect(parsed instanceof Error ? parsed : parsed.type).toBe('ssh-ed25519')
    expect(keys.host.public).not.toBe(keys.agent.public)
  })
})
