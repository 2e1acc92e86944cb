import { access } from 'node:fs/promises'
import { BackendError } from '../../backend.js'

/** Where distributions keep UEFI for virtual machines (OVMF) as one file: Debian and Ubuntu, Arch, openSUSE. */
const places = ['/usr/share/ovmf/OVMF.fd', '/usr/share/qemu/OVMF.fd', '/usr/share/edk2/x64/OVMF.4m.fd', '/usr/share/qemu/ovmf-x86_64.bin']

/**
 * The firmware of machines that boot by UEFI; undefined for those that boot by BIOS, which QEMU has. It keeps nothing: what is booted is
 * what the disk says, EFI/BOOT/BOOTX64.EFI. Rejects with BackendError where the node has none.
 */
export async function uefiFirmware(firmware: 'bios' | 'uefi' | undefined, files: readonly string[] = places): Promise<string | undefined> {
  if (firmware !== 'uefi') return undefined
  for (const file of files)
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return file
  throw new BackendError('StartFailed', 'the node has no UEFI firmware; on Debian and Ubuntu: apt-get install ovmf', true)
}
