/** Deletes the Secrets of join tokens whose time is over. They were good for nothing any more; now they are gone. */
import { Secret } from '../../lib/api/kinds/secret.js'
import type { ControllerContext } from '../controller-context.js'
import { runSweep } from '../sweep.js'

const joinTokenType = 'bootstrap.kubernetes.io/token'

export function runTokenCleaner(context: ControllerContext, signal: AbortSignal): Promise<void> {
  return runSweep<Secret>(
    context,
    {
      name: 'token-cleaner',
      everyMs: 60_000,
      kind: Secret,
      list: async () =>
        (await context.client.of(Secret).list({ namespace: 'kube-system', fieldSelector: `type=${joinTokenType}`, signal })).items,
      isDue: isOver,
    },
    signal,
  )
}

/** A token whose end cannot be read is left for people to look at: the server takes it for no token. */
export function isOver({ data }: Pick<Secret, 'data'>, nowMs: number): boolean {
  const endMs = Date.parse(Buffer.from(data?.expiration ?? '', 'base64').toString())
  return nowMs >= endMs
}
