import type { ObjectMeta } from '../../lib/api/object-meta.js'
import { objectOf, type StepContext } from './step-context.js'

/** Has an image made ready, and tells how far that is. Events say so only when there was something to pull. */
export async function followPull<T extends { readonly apiVersion: string; readonly kind: string; readonly metadata: ObjectMeta }>(
  image: string,
  context: StepContext<T, unknown>,
  prepare: (onProgress: (text: string) => void) => Promise<void>,
): Promise<void> {
  const { events } = context.parts
  const object = objectOf(context)
  let pulling = false
  await prepare((text) => {
    if (!pulling) events.record(object, 'Normal', 'Pulling', `pulling ${image}`)
    pulling = true
    context.onPullProgress(text)
  })
  if (pulling) events.record(object, 'Normal', 'Pulled', `pulled ${image}`)
}
