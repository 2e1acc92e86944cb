import { expect, it } from 'vitest'
import { uefiFirmware } from './uefi-firmware.js'

const missing = '/nonexistent/OVMF.fd'

it.each([
  ['none is needed for BIOS', 'bios', [missing], undefined],
  ['nor where nothing is said', undefined, [missing], undefined],
  ['the first that is there', 'uefi', [missing, import.meta.filename, '/'], import.meta.filename],
] as const)('%s', async (_name, firmware, files, found) => expect(await uefiFirmware(firmware, files)).toBe(found))

it('says what to install where there is none', () =>
  expect(uefiFirmware('uefi', [missing])).rejects.toThrow('the node has no UEFI firmware; on Debian and Ubuntu: apt-get install ovmf'))
