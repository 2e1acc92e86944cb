/** Of a terminal's window. */
export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

/** As Kubernetes' protocols say it: `{"Width":80,"Height":24}`. */
export function printTerminalSize({ rows, columns }: TerminalSize): Buffer {
  return Buffer.from(JSON.stringify({ Width: columns, Height: rows }))
}

/** Undefined for what is no size. */
export function parseTerminalSize(bytes: Buffer): TerminalSize | undefined {
  try {
    const { Width: columns, Height: rows } = JSON.parse(bytes.toString()) as { Width?: unknown; Height?: unknown }
    return isLength(rows) && isLength(columns) ? { rows, columns } : undefined
  } catch {
    return undefined
  }
}

const isLength = (value: unknown): value is number => Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536
