import { BackendError } from '../../backend.js'
import { type Engine, unlessMissing } from './engine.js'
import { fullDisk, sayingOf, saysFull, statusOf } from './engine-refusal.js'
import { isNamed, parseImageReference, pullReference } from './image-reference.js'

type Policy = 'Always' | 'IfNotPresent' | 'Never'

const pullDeadlineMs = 3_600_000

/** Makes sure that an image is on the node; failures say in words what stands between. */
export async function prepareImage(
  engine: Engine,
  image: string,
  policy: Policy,
  onProgress: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const reference = parseImageReference(image)
  if (policy !== 'Always') {
    const present = await unlessMissing(engine.call(signal, (options) => engine.docker.getImage(image).inspect(options as object)))
    if (present && isNamed(present, reference)) return
    if (policy === 'Never')
      throw new BackendError('ImageNotFound', `the image ${image} is not on the node, and imagePullPolicy is Never`, true)
  }
  onProgress(`pulling ${image}`)
  try {
    const name = pullReference(reference)
    const stream = await engine.call(signal, (options): Promise<NodeJS.ReadableStream> => engine.docker.pull(name, options), pullDeadlineMs)
    await followPull(stream, image, onProgress, signal)
  } catch (error) {
    if (signal.aborted || error instanceof BackendError) throw error
    throw describePullFailure(image, statusOf(error), sayingOf(error), error)
  }
}

interface PullMessage {
  readonly id?: string
  readonly status?: string
  readonly error?: string
}

/** The engine answers 200 at once and tells a failure in the stream. */
async function followPull(
  stream: NodeJS.ReadableStream,
  image: string,
  onProgress: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const layers = new Map<string, boolean>()
  let held = ''
  let said = ''
  const take = (message: PullMessage) => {
    if (message.error !== undefined) throw new Error(message.error)
    if (message.id === undefined || !/^[0-9a-f]{12}$/.test(message.id)) return
    layers.set(message.id, message.status === 'Pull complete' || message.status === 'Already exists')
    const done = [...layers.values()].filter(Boolean).length
    const text = `pulling ${image}: ${done} of ${layers.size} layers`
    if (text !== said) onProgress(text)
    said = text
  }
  const stop = () => (stream as unknown as { destroy(): void }).destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of stream) {
      held += chunk.toString()
      const lines = held.split('\n')
      held = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '') take(JSON.parse(line) as PullMessage)
    }
    if (held.trim() !== '') take(JSON.parse(held) as PullMessage)
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** What the engine says about registries comes as text alone. Pure. */
export function describePullFailure(image: string, status: number | undefined, said: string, cause?: unknown): BackendError {
  const text = said.toLowerCase()
  const is = (...words: string[]) => words.some((word) => text.includes(word))
  if (
    is(
      'no such host',
      'connection refused',
      'i/o timeout',
      'no route to host',
      'network is unreachable',
      'tls handshake',
      'deadline exceeded',
      'awaiting headers',
      'server misbehaving',
    )
  )
    return new BackendError('ImagePullFailed', `the registry of ${image} could not be reached: ${said}`, true, { cause })
  if (is('pull access denied', 'repository does not exist', 'may require'))
    return new BackendError('ImageNotFound', `there is no image ${image}, or its registry wants a login: ${said}`, true, { cause })
  if (is('unauthorized', 'authentication required', 'denied'))
    return new BackendError('ImagePullFailed', `the registry does not let this node pull ${image}: ${said}`, true, { cause })
  if (is('manifest unknown', 'not found', 'name unknown') || status === 404)
    return new BackendError('ImageNotFound', `the registry has no image ${image}: ${said}`, true, { cause })
  if (saysFull(said)) return new BackendError('ImagePullFailed', `${image} has no room: ${fullDisk}`, true, { cause })
  return new BackendError('ImagePullFailed', `${image} could not be pulled: ${said}`, true, { cause })
}
