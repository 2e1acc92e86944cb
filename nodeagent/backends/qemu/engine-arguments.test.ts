import { describe, expect, it } from 'vitest'
import { clockParameters, engineArguments, escapeOption } from './engine-arguments.js'
import type { QemuEngine } from './qemu-engine.js'

const tcg: QemuEngine = { binary: '/usr/bin/qemu-system-x86_64', version: '7.2.22', accelerator: 'tcg', why: 'no /dev/kvm' }
const common = ['-nodefaults', '-no-user-config', '-display', 'none']
const socket = ['-chardev', 'socket,id=qmp,path=qmp.sock,server=on,wait=off', '-mon', 'chardev=qmp,mode=control']

describe('the arguments that every guest is started with', () => {
  it.each<[string, Partial<QemuEngine>, number | undefined, string[]]>([
    [
      'without KVM, as the agent itself',
      {},
      undefined,
      ['-accel', 'tcg', '-cpu', 'max', '-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ],
    [
      'with KVM, as a user of its own',
      { accelerator: 'kvm' },
      200_001,
      [
        ...['-accel', 'kvm', '-cpu', 'host', '-sandbox', 'on,obsolete=deny,elevateprivileges=allow,spawn=deny,resourcecontrol=deny'],
        ...['-runas', '200001:200001'],
      ],
    ],
    [
      'with a newer QEMU',
      { version: '10.0.2' },
      200_001,
      [
        ...['-accel', 'tcg', '-cpu', 'max', '-sandbox', 'on,obsolete=deny,elevateprivileges=allow,spawn=deny,resourcecontrol=deny'],
        ...['-run-with', 'user=200001:200001'],
      ],
    ],
  ])('%s', (_name, engine, userId, expected) => {
    expect(engineArguments({ engine: { ...tcg, ...engine }, name: 'uid.0.0', qmpSocket: 'qmp.sock', userId })).toEqual([
      ...['-name', 'guest=uid.0.0'],
      ...common,
      ...expected,
      ...socket,
    ])
  })

  it('a comma ends no value', () => expect(escapeOption('/a,b')).toBe('/a,,b'))

  it('a guest on TCG is told its clock, one on KVM has it', () => {
    expect(clockParameters(tcg)).toEqual(['tsc_early_khz=2000000'])
    expect(clockParameters({ accelerator: 'kvm' })).toEqual([])
  })
})
