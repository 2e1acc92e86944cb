import { open, readdir, readlink } from 'node:fs/promises'

/** As the kernel numbers states: of a TCP socket that listens, and of a UDP socket that is bound and takes from anybody. */
const listening = { tcp: '0A', udp: '07' } as const
/** A few rows of a table. */
const littleBytes = 512

/**
 * Where one of some processes listens on a port, as an address to connect to; undefined when none does. Processes share the machine's
 * network: without this a port-forward would reach whatever else listens there.
 */
export async function findListener(
  port: number,
  protocol: 'tcp' | 'udp',
  listPids: () => Promise<readonly number[]>,
): Promise<string | undefined> {
  let own: Promise<ReadonlySet<string>> | undefined
  for (const table of [`/proc/net/${protocol}`, `/proc/net/${protocol}6`])
    for await (const { inode, address } of listenersOn(port, protocol, table)) {
      own ??= listPids().then(socketsOf)
      if ((await own).has(inode)) return address
    }
  return undefined
}

/** Whatever listens on a port. */
async function* listenersOn(port: number, protocol: 'tcp' | 'udp', table: string) {
  // Its first line says what is in the columns.
  for await (const row of rowsOf(table, 1)) {
    const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/)
    const [address = '', hexPort = ''] = local.split(':')
    if (state === listening[protocol] && Number.parseInt(hexPort, 16) === port) yield { inode, address: connectable(address) }
    // Of TCP the kernel gives those that listen first, and for the rest goes through all places of a large table.
    if (state !== listening.tcp && protocol === 'tcp') return
  }
}

/** Reads a little at a time, as the kernel makes no more than is asked for. None when there is no such table. */
async function* rowsOf(table: string, skip: number): AsyncGenerator<string> {
  const file = await open(table).catch(() => undefined)
  if (!file) return
  try {
    const buffer = Buffer.alloc(littleBytes)
    let text = ''
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      text += buffer.toString('latin1', 0, bytesRead)
      const rows = text.split('\n')
      text = rows.pop() ?? ''
      yield* rows.slice(skip)
      skip = 0
      if (bytesRead === 0) return
    }
  } finally {
    await file.close()
  }
}

/** The kernel prints addresses as words in the machine's order, which is little-endian on all that we run on. */
function connectable(hex: string): string {
  const words = (hex.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, 'hex').reverse())
  const bytes = Buffer.concat(words)
  if (bytes.length === 4) return bytes.every((byte) => byte === 0) ? '127.0.0.1' : bytes.join('.')
  // A socket on all addresses takes IPv4 too, unless it was told not to; kernels without IPv6 have no such socket.
  if (bytes.every((byte) => byte === 0)) return '127.0.0.1'
  return (bytes.toString('hex').match(/.{4}/g) ?? []).join(':')
}

/** The inodes of the sockets of some processes; none of one that is gone. */
async function socketsOf(pids: readonly number[]): Promise<ReadonlySet<string>> {
  const links = await Promise.all(
    pids.map(async (pid) => {
      const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
      return await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')))
    }),
  )
  return new Set(links.flat().flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}
