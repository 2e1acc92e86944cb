/**
 * One HTTP/1.1 keep-alive connection over TLS or TCP, one request at a time, with as little code as a load generator can have: the client's
 * CPU shares the machine with the server under test.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface Target {
  readonly host: string
  readonly port: number
  /** Absent: plain TCP. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
}

export interface Answer {
  readonly status: number
  /** Decoded when it is first looked at. */
  readonly body: Buffer
}

export interface Connection {
  /** `contentType`: of the body; default JSON. */
  request(method: string, path: string, body?: Buffer, headers?: string, contentType?: string): Promise<Answer>
  close(): void
}

/** How long an answer may take to be complete. */
const patienceMs = 60_000

/** Opens it now; an idle connection that the server has closed is opened anew by the next request. */
export async function openConnection(target: Target): Promise<Connection> {
  let current = await connect(target)
  return {
    async request(method, path, body, headers, contentType) {
      if (current.closed) current = await connect(target)
      return current.request(method, path, body, headers, contentType)
    },
    close: () => current.close(),
  }
}

async function connect(target: Target): Promise<Connection & { readonly closed: boolean }> {
  const socket = await openSocket(target)
  let pending: { resolve(answer: Answer): void; reject(error: Error): void } | undefined
  let received: Buffer[] = []
  let size = 0
  let head: { status: number; bodyStart: number; expected: number } | undefined
  let tail: Buffer = Buffer.alloc(0)

  const fail = (error: Error) => {
    pending?.reject(error)
    pending = undefined
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the connection was closed')))
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    size += chunk.length
    if (!head) {
      const all = received.length === 1 ? chunk : Buffer.concat(received)
      received = [all]
      const end = all.indexOf('\r\n\r\n')
      if (end < 0) return
      const text = all.toString('latin1', 0, end)
      const length = /\r\ncontent-length: (\d+)/i.exec(text)
      head = { status: Number(text.slice(9, 12)), bodyStart: end + 4, expected: length ? end + 4 + Number(length[1]) : -1 }
    }
    if (head.expected < 0) tail = chunk.length >= lastChunk.length ? chunk.subarray(-lastChunk.length) : Buffer.concat([tail, chunk])
    if (head.expected >= 0 ? size < head.expected : !tail.subarray(-lastChunk.length).equals(lastChunk)) return
    const bytes = received.length === 1 && received[0] ? received[0] : Buffer.concat(received)
    const waiting = pending
    const answer = answerOf(bytes, head)
    pending = undefined
    received = []
    size = 0
    head = undefined
    waiting?.resolve(answer)
  })

  return {
    get closed() {
      return socket.destroyed
    },
    request(method, path, body, headers = '', contentType = 'application/json') {
      return new Promise((resolve, reject) => {
        const impatient = setTimeout(
          () => socket.destroy(new Error(`${method} ${path} was not answered in ${patienceMs / 1000} s`)),
          patienceMs,
        )
        pending = {
          resolve(answer) {
            clearTimeout(impatient)
            resolve(answer)
          },
          reject(error) {
            clearTimeout(impatient)
            reject(error)
          },
        }
        const length = body ? `content-type: ${contentType}\r\ncontent-length: ${body.length}\r\n` : ''
        socket.cork()
        socket.write(`${method} ${path} HTTP/1.1\r\nhost: bench\r\nuser-agent: bench/1\r\n${headers}${length}\r\n`, 'latin1')
        if (body) socket.write(body)
        socket.uncork()
      })
    },
    close: () => socket.destroy(),
  }
}

const lastChunk = Buffer.from('0\r\n\r\n')

function answerOf(bytes: Buffer, { status, bodyStart, expected }: { status: number; bodyStart: number; expected: number }): Answer {
  let body: Buffer | undefined
  return {
    status,
    get body() {
      body ??= expected < 0 ? joinChunks(bytes, bodyStart) : bytes.subarray(bodyStart)
      return body
    },
  }
}

/** The body of an answer that came in chunks. */
function joinChunks(bytes: Buffer, start: number): Buffer {
  const chunks: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (!(length > 0)) return Buffer.concat(chunks)
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
}

export function openSocket({ host, port, tls }: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket: Socket = tls
      ? connectTls({ host, port, ...tls, servername: 'localhost' }, () => resolve(socket))
      : connectTcp({ host, port }, () => resolve(socket))
    socket.setNoDelay(true)
    socket.once('error', reject)
  })
}
