export interface CpioEntry {
  /** Relative to the root. */
  readonly name: string
  /** With the type of the file, as 0o100755. */
  readonly mode: number
  readonly content: Buffer
}

/** An archive as the kernel unpacks it into its first root file system ("newc"). Pure. */
export function packCpio(entries: readonly CpioEntry[]): Buffer {
  const parts = [...entries, { name: 'TRAILER!!!', mode: 0, content: Buffer.alloc(0) }].flatMap(({ name, mode, content }, index) => {
    const fields = [index + 1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0]
    const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`)
    return [pad(header), pad(content)]
  })
  return Buffer.concat(parts)
}

function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
}
