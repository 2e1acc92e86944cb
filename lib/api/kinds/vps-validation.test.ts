import { describe, expect, it } from 'vitest'
import { defaultVpsSpec } from '../../testing/a-vps.js'
import type { VpsSpec } from './vps.js'
import { validateVps } from './vps-validation.js'

const aVps = (spec: object) =>
  ({ apiVersion: 'millrace.dev/v1', kind: 'Vps', metadata: { name: 'v' }, spec: { ...defaultVpsSpec, ...spec } }) as unknown as Parameters<
    typeof validateVps
  >[0]
const fieldsOf = (spec: object, old?: object) => validateVps(aVps(spec), old && aVps(old)).map(({ field }) => field)

const checksum = `sha256:${'0'.repeat(64)}`
const key = `ssh-ed25519 ${'A'.repeat(68)}`
const machine = { backend: 'qemu', image: 'debian-12' } satisfies Partial<VpsSpec>
const at = (image: string, imageChecksum?: string) => ({ backend: 'qemu', image, ...(imageChecksum ? { imageChecksum } : {}) })
const keys = (...authorizedKeys: string[]) => ({ ssh: { mode: 'keys', authorizedKeys } })

describe('a Vps', () => {
  it.each<[string, object]>([
    ['a container', {}],
    ['a machine', machine],
    ['an image by address, with its checksum', at('https://example.com/a.qcow2', checksum)],
    ['a file of the node', at('file:///images/a.qcow2')],
    ['the name of an image', at('Debian_12.5-x')],
    ['a key', keys(key)],
    ['a key with a comment', keys(`${key} me@home, with words`)],
    ['a made key, and others', { ssh: { mode: 'generate', authorizedKeys: [key], secretName: 's' } }],
  ])('may have %s', (_case, spec) => expect(fieldsOf(spec)).toEqual([]))

  it.each<[string, object, string]>([
    ['an image by address without a checksum', at('https://example.com/a.qcow2'), 'spec.imageChecksum'],
    ['a checksum that is none', at('https://example.com/a.qcow2', 'sha256:0'), 'spec.imageChecksum'],
    ['a weak checksum', at('https://example.com/a.qcow2', `md5:${'0'.repeat(32)}`), 'spec.imageChecksum'],
    ['an image by http', at('http://example.com/a.qcow2', checksum), 'spec.image'],
    ['an image with a password', at('https://me:it@example.com/a.qcow2', checksum), 'spec.image'],
    ['a file of another host', at('file://example.com/a.qcow2'), 'spec.image'],
    ['a file with no end', at('file:///a%00b'), 'spec.image'],
    ['a path for the name of an image', at('../../etc/shadow'), 'spec.image'],
    ['a hidden file', at('.secret'), 'spec.image'],
    ['a word of a command for an image', at('-x'), 'spec.image'],
    ['a command in a machine', { ...machine, command: ['x'] }, 'spec.command'],
    ['rights in a machine', { ...machine, privileged: true }, 'spec.privileged'],
    ['a port of the node for a machine', { ...machine, ports: [{ port: 80 }, { port: 81, hostPort: 81 }] }, 'spec.ports[1].hostPort'],
    ['a disk size of a container', { diskSize: '1Gi' }, 'spec.diskSize'],
    ['a second line in a key', keys(key, `${key} x\nssh-rsa AAAA`), 'spec.ssh.authorizedKeys[1]'],
    ['a line that ends like a key', keys(`${key}\n`), 'spec.ssh.authorizedKeys[0]'],
    ['options before a key', keys(`command="sh" ${key}`), 'spec.ssh.authorizedKeys[0]'],
    ['a key of a token', keys(key.replace('ssh-', 'sk-ssh-')), 'spec.ssh.authorizedKeys[0]'],
    ['nobody who may log in', keys(), 'spec.ssh.authorizedKeys'],
    ['keys that open nothing', { ssh: { mode: 'disabled', authorizedKeys: [key] } }, 'spec.ssh.authorizedKeys'],
    ['a Secret for no key', { ssh: { mode: 'keys', authorizedKeys: [key], secretName: 's' } }, 'spec.ssh.secretName'],
    ['a time zone of no schedule', { snapshotPolicy: { timeZone: 'UTC' } }, 'spec.snapshotPolicy.timeZone'],
  ])('has never %s', (_case, spec, field) => expect(fieldsOf(spec)).toEqual([field]))

  it.each<[string, object, object, string[]]>([
    ['its disk grow', { ...machine, diskSize: '1Gi' }, { ...machine, diskSize: '2Gi' }, []],
    ['its disk shrink', { ...machine, diskSize: '2Gi' }, { ...machine, diskSize: '1Gi' }, ['spec.diskSize']],
    ['its disk become as large as its image', { ...machine, diskSize: '2Gi' }, machine, ['spec.diskSize']],
    ['another image', machine, at('other'), ['spec.image']],
    ['all rights', {}, { privileged: true }, ['spec.privileged']],
    ['another first process', {}, { command: ['x'] }, ['spec.command']],
  ])('sees later %s', (_case, old, spec, fields) => expect(fieldsOf(spec, old)).toEqual(fields))

  it('whose user data lie there from before the rule is changed, and deleted, like others', () => {
    const spec = { ...machine, userData: 'packages: [git]' }
    expect(fieldsOf(spec)).toEqual(['spec.userData'])
    expect(fieldsOf(spec, spec)).toEqual([])
  })
})
