import { readdir, readFile, readlink } from 'node:fs/promises'

/** As the kernel numbers states: of a TCP socket that listens, and of a UDP socket that is bound and takes from anybody. */
const listening = { tcp: '0A', udp: '07' } as const

/**
 * Where one of some processes listens on a port, as an address to connect to; undefined when none does. Processes share the machine's network:
 * without this a port-forward would reach whatever else listens there.
 */
export async function findListener(
  port: number,
  protocol: 'tcp' | 'udp',
  listPids: () => Promise<readonly number[]>,
): Promise<string | undefined> {
  const state = listening[protocol]
  const sockets = new Map([
    ...(await listenersOn(port, state, `/proc/net/${protocol}`)),
    ...(await listenersOn(port, state, `/proc/net/${protocol}6`)),
  ])
  if (sockets.size === 0) return undefined
  for (const pid of await listPids())
    for (const inode of await socketsOf(pid)) {
      const address = sockets.get(inode)
      if (address !== undefined) return address
    }
  return undefined
}

/** inode → the address to connect to. */
async function listenersOn(port: number, listeningState: string, table: string): Promise<[string, string][]> {
  const lines = (await readFile(table, 'utf8').catch(() => '')).split('\n').slice(1)
  return lines.flatMap((line): [string, string][] => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address = '', hexPort = ''] = local.split(':')
    return state === listeningState && Number.parseInt(hexPort, 16) === port ? [[inode, connectable(address)]] : []
  })
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

/** The inodes of a process's sockets; none when it is gone. */
async function socketsOf(pid: number): Promise<string[]> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')))
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [])
}
