import { memoryBytes } from './quantity.js'

const mebibyte = 1024 ** 2

interface GuestSpec {
  readonly resources?:
    | { readonly requests?: Record<string, string | number> | undefined; readonly limits?: Record<string, string | number> | undefined }
    | undefined
  /** A Vps always has it, a Task never. */
  readonly running?: boolean | undefined
}

/** The memory of a virtual machine (backend qemu): what it may use, else what it asks for, else as much as usual images boot with. */
export function guestMemoryBytes({ resources, running }: GuestSpec): number {
  const asked = resources?.limits?.memory ?? resources?.requests?.memory
  if (asked !== undefined) return memoryBytes(asked)
  return (running === undefined ? 512 : 1024) * mebibyte
}
