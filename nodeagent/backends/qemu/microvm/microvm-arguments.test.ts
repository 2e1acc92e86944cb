import { describe, expect, it } from 'vitest'
import type { QemuEngine } from '../qemu-engine.js'
import { type MicrovmArguments, microvmArguments } from './microvm-arguments.js'

const engine: QemuEngine = { binary: '/usr/bin/qemu-system-x86_64', version: '7.2.22', accelerator: 'tcg', why: '' }
const image = { kernel: '/images/a.vmlinuz', initrd: '/boot/a.initrd', parameters: ['nosmt'] }
const build = (spec: MicrovmArguments['spec'], more: Partial<MicrovmArguments> = {}) =>
  microvmArguments({ engine, name: 'uid.0.0', spec, image, cpus: 4, ...more })
const optionOf = (words: string[], option: string) => words[words.indexOf(option) + 1]

describe("a microVM's command line", () => {
  it.each<[string, MicrovmArguments['spec'], string, string, string]>([
    ['without resources', {}, '512M', '1', 'user,id=net,ipv6=off'],
    ['with limits', { resources: { limits: { memory: '2Gi', cpu: '1500m' } } }, '2048M', '2', 'user,id=net,ipv6=off'],
    ['with requests', { resources: { requests: { memory: '300Mi', cpu: '3' } } }, '300M', '3', 'user,id=net,ipv6=off'],
    ['with more processors than there are', { resources: { limits: { cpu: '64' } } }, '512M', '4', 'user,id=net,ipv6=off'],
    [
      'with ports of the node',
      {
        ports: [
          { port: 80, protocol: 'TCP', hostPort: 8080 },
          { port: 53, protocol: 'UDP', hostPort: 53 },
          { port: 9, protocol: 'TCP' },
        ],
      },
      '512M',
      '1',
      'user,id=net,ipv6=off,hostfwd=tcp::8080-:80,hostfwd=udp::53-:53',
    ],
  ])('%s', (_name, spec, memory, cpus, network) => {
    const words = build(spec)
    expect([optionOf(words, '-m'), optionOf(words, '-smp'), optionOf(words, '-netdev')]).toEqual([memory, cpus, network])
  })

  it('boots the image with our first process, and tells the clock where there is no KVM', () => {
    const words = build({})
    expect([words[0], optionOf(words, '-kernel'), optionOf(words, '-initrd')]).toEqual([engine.binary, image.kernel, image.initrd])
    expect(optionOf(words, '-append')).toBe('console=ttyS0 quiet loglevel=1 panic=-1 rdinit=/.millrace/init tsc_early_khz=2000000 nosmt')
    expect(optionOf(build({}, { engine: { ...engine, accelerator: 'kvm' } }), '-append')).not.toContain('tsc_early_khz')
    expect(words).not.toContain('-runas')
    expect(optionOf(build({}, { userId: 200_001 }), '-runas')).toBe('200001:200001')
  })
})
