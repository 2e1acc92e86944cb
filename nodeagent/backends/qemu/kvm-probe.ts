/**
 * Whether /dev/kvm runs a guest. That it opens says nothing: within other virtual machines it may, and a guest then hangs or QEMU ends. So
 * a guest of nine bytes, with the CPU that real ones get, has to end QEMU with a number of its own, in time.
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { access, constants, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from '../../files/make-folder.js'

export interface KvmFinding {
  readonly works: boolean
  /** Why it does not, in words; else that it does. */
  readonly why: string
}

export interface KvmProbe {
  readonly binary: string
  readonly version: string
  /** Where the finding is kept: it holds until the machine is booted again, or QEMU is another one. */
  readonly directory: string
  readonly bootId: string
  /** Where `timeout` is found: it ends the guest, even when the agent is gone. */
  readonly searchPath: string
  readonly device?: string
  readonly deadlineSeconds?: number
}

/** mov dx,0xf4; mov al,16; out dx,al; hlt; jmp -3: tells isa-debug-exit 16, where the processor begins. */
const guest = Buffer.from([0xba, 0xf4, 0x00, 0xb0, 0x10, 0xee, 0xf4, 0xeb, 0xfd])
const guestsAnswer = (16 << 1) | 1
const firmwareBytes = 64 * 1024
const haltInstruction = 0xf4

/** Once per boot of the machine. */
export async function probeKvm(probe: KvmProbe): Promise<KvmFinding> {
  const device = probe.device ?? '/dev/kvm'
  try {
    await access(device, constants.R_OK | constants.W_OK)
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { works: false, why: absent ? `${device} is not there` : `${device} may not be opened by this user` }
  }
  const file = path.join(probe.directory, 'kvm.json')
  const known = await readFinding(file, probe)
  if (known) return known
  await makeFolder(probe.directory)
  const finding = await runGuest(probe)
  const temporary = `${file}.${randomUUID()}`
  await writeFile(temporary, JSON.stringify({ bootId: probe.bootId, version: probe.version, ...finding }), { mode: 0o600 })
  await rename(temporary, file)
  return finding
}

async function readFinding(file: string, { bootId, version }: KvmProbe): Promise<KvmFinding | undefined> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as KvmFinding & { bootId: string; version: string }
    return kept.bootId === bootId && kept.version === version ? { works: kept.works, why: kept.why } : undefined
  } catch {
    return undefined // never made, or cut off
  }
}

async function runGuest({ binary, directory, searchPath, deadlineSeconds = 10 }: KvmProbe): Promise<KvmFinding> {
  const firmware = Buffer.alloc(firmwareBytes, haltInstruction)
  guest.copy(firmware, firmwareBytes - 16)
  const bios = path.join(directory, 'kvm-probe.bin')
  await writeFile(bios, firmware)
  const args = [
    ...['-s', 'KILL', String(deadlineSeconds), binary, '-machine', 'microvm', '-accel', 'kvm', '-cpu', 'host', '-m', '16'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-bios', bios, '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
  ]
  return new Promise((resolve) => {
    execFile('timeout', args, { env: { PATH: searchPath } }, (error, _stdout, stderr) => {
      const code = error === null ? 0 : error.code
      if (code === guestsAnswer) return resolve({ works: true, why: 'a guest ran on /dev/kvm' })
      const words = stderr.trim().split('\n')[0] ?? ''
      const end =
        error?.signal === 'SIGKILL' || code === 137 ? `it did not end within ${deadlineSeconds} s` : words || `QEMU ended with ${code}`
      resolve({ works: false, why: `/dev/kvm opens, but a guest does not run on it: ${end}` })
    })
  })
}
