/**
 * What the engine answers when it does not do what it was asked, in words: what it said, and what can be done about it. The one place that
 * knows what the client library makes of it.
 */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal'

  constructor(
    /** The HTTP code of the answer. */
    readonly statusCode: number,
    /** What the engine said, word by word. */
    readonly said: string,
    options?: { cause?: unknown },
  ) {
    super(`the Docker engine ${statusCode >= 500 ? 'failed' : 'refused'}: ${withAdvice(statusCode, said)}`, options)
  }
}

/** The client library's error as one that users can read; undefined for another error. */
export function readRefusal(error: unknown): EngineRefusal | undefined {
  const statusCode = statusOf(error)
  if (statusCode === undefined) return undefined
  const { json, message } = error as { json?: { message?: unknown } | null; message?: unknown }
  const said = typeof json?.message === 'string' ? json.message : unwrap(String(message))
  return new EngineRefusal(statusCode, said.trim() || 'it did not say why', { cause: error })
}

/** The HTTP code of the engine's answer, when the error is one. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as { statusCode?: unknown } | undefined)?.statusCode
  return typeof code === 'number' ? code : undefined
}

/** What the engine said, or another error says. */
export function sayingOf(error: unknown): string {
  if (error instanceof EngineRefusal) return error.said
  return error instanceof Error ? error.message : String(error)
}

/** What the engine said and what can be done about it, to be put behind what was tried. */
export function explain(error: unknown): string {
  return error instanceof EngineRefusal ? withAdvice(error.statusCode, error.said) : sayingOf(error)
}

/** What is said of it. */
export const fullDisk = "the disk of the node's engine is full: remove images and workloads that nobody needs, or give it more"

const withAdvice = (statusCode: number, said: string) => {
  // It names a file, which is another one at each try: the same words are counted on one Event.
  if (saysFull(said)) return fullDisk
  const advice = adviceOn(statusCode, said)
  return advice === undefined ? said : `${said}; ${advice}`
}

const advices: readonly (readonly [said: RegExp, advice: string])[] = [
  [/too many open files/i, 'the engine of the node is out of descriptors: raise its limit (LimitNOFILE), or run less there'],
  [/cannot allocate memory|out of memory/i, 'the node has no memory left for it: run less there, or elsewhere'],
  [/resource temporarily unavailable|pids limit/i, 'no process can be added there: end some, or raise the limit'],
  [/container .* is paused|cannot exec in a paused/i, 'it is suspended: resume it first'],
  [/is not running|is restarting|stopped (state|container)/i, 'it does not run: start it first, or wait until it does'],
  [
    /port is already allocated|address already in use/i,
    'another program of the node has the port or address: choose another, or end that one',
  ],
  [/dial tcp|lookup .*no such host/i, 'the engine of the node does not reach it: look at its name, and at the way there from the node'],
  [
    /containerd|ttrpc|shim|connection (refused|reset)/i,
    'the engine has lost its containerd: it is tried again; if that goes on, restart the engine on the node',
  ],
  [/context deadline exceeded|context canceled|i\/o timeout/i, 'the engine was too busy: it is tried again'],
  [
    /read-only file system|input\/output error|structure needs cleaning/i,
    "the disk of the node's engine cannot be written: look at the node's kernel log",
  ],
  [/operation not permitted|permission denied/i, 'the engine itself may not do it: look whether a security module of the node forbids it'],
]

/** Whether the engine says that its disk is full. */
export const saysFull = (said: string) => /no space left on device|disk quota exceeded/i.test(said)

function adviceOn(statusCode: number, said: string): string | undefined {
  const known = advices.find(([pattern]) => pattern.test(said))?.[1]
  return known ?? (statusCode >= 500 ? "if it goes on, the engine's log on the node says more" : undefined)
}

/** Without what the client library puts before it, which is the code and its own word for it. */
const unwrap = (message: string) => message.replace(/^\(HTTP code \d+\) [a-z ]+ - /i, '')
