import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { probeKvm } from './kvm-probe.js'
import { describeEngine, findQemu } from './qemu-engine.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-kvm-'))
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

/** A program in QEMU's place, which counts its calls. */
async function aProgram(script: string): Promise<string> {
  const file = path.join(folder, 'qemu')
  await writeFile(file, `#!/bin/sh\necho "$*" >> ${folder}/calls\n${script}\n`)
  await chmod(file, 0o755)
  return file
}
const searchPath = process.env.PATH ?? ''

describe('the probe of KVM', () => {
  const probe = async (script: string, more: { device?: string; bootId?: string; version?: string } = {}) => {
    const binary = await aProgram(script)
    const common = { binary, version: '7.2.0', directory: folder, bootId: 'b-1', searchPath, device: '/dev/null', deadlineSeconds: 1 }
    return probeKvm({ ...common, ...more })
  }
  const calls = async () => (await readFile(path.join(folder, 'calls'), 'utf8')).trim().split('\n').length

  it.each([
    ['a guest that gave its answer', 'exit 33', { works: true, why: 'a guest ran on /dev/kvm' }],
    [
      'a QEMU that refused',
      'echo "failed to set MSR 0x10a" >&2; exit 134',
      { works: false, why: '/dev/kvm opens, but a guest does not run on it: failed to set MSR 0x10a' },
    ],
    [
      'a guest that hangs',
      'exec sleep 600',
      { works: false, why: '/dev/kvm opens, but a guest does not run on it: it did not end within 1 s' },
    ],
    ['a wordless end', 'exit 3', { works: false, why: '/dev/kvm opens, but a guest does not run on it: QEMU ended with 3' }],
  ])('%s', async (_name, script, expected) => expect(await probe(script)).toEqual(expected))

  it('no device, no guest', async () => {
    expect(await probe('exit 33', { device: path.join(folder, 'kvm') })).toEqual({ works: false, why: `${folder}/kvm is not there` })
  })

  it('is made once a boot, and again for another QEMU', async () => {
    await probe('exit 33')
    expect(await probe('exit 1')).toEqual({ works: true, why: 'a guest ran on /dev/kvm' })
    expect(await calls()).toBe(1)
    expect(await probe('exit 33', { bootId: 'b-2' })).toMatchObject({ works: true })
    expect(await probe('exit 1', { version: '9.0.0', bootId: 'b-2' })).toMatchObject({ works: false })
    expect(await calls()).toBe(3)
  })
})

describe('the QEMU of a node', () => {
  it('is found with its version and accelerator, and why', async () => {
    const binary = await aProgram('[ "$1" = --version ] && echo "QEMU emulator version 9.2.1 (Debian)" && exit; echo no >&2; exit 1')
    const engine = await findQemu({ binary, directory: folder, searchPath })
    expect(engine).toMatchObject({ binary, version: '9.2.1', accelerator: 'tcg' })
    if ('missing' in engine) throw new Error(engine.missing)
    expect(describeEngine(engine)).toMatch(/^guests run without KVM, and therefore slowly: \/dev\/kvm /)
    expect(describeEngine({ ...engine, accelerator: 'kvm', why: 'a guest ran' })).toBe('guests run on KVM: a guest ran')
  })

  it('that is not installed is missed with what to do', async () => {
    expect(await findQemu({ binary: 'no-such-qemu', directory: folder, searchPath })).toEqual({
      missing: 'no-such-qemu is not installed; on Debian and Ubuntu: apt-get install qemu-system-x86 qemu-utils',
    })
    const binary = await aProgram('exit 1')
    expect(await findQemu({ binary, directory: folder, searchPath })).toEqual({
      missing: `${binary} does not say its version; is it QEMU?`,
    })
  })
})
