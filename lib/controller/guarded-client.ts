import type { Kind } from '../api/define-kind.js'
import type { Client, KindClient } from '../client/client.js'

/**
 * A client that asks for nothing any more once the signal has aborted: requests under way break off, and new ones are refused. What a
 * controller does ends with its leadership, whatever its author waits for.
 */
export function guardedClient(client: Client, signal: AbortSignal): Client {
  const bound = <Options extends { readonly signal?: AbortSignal | undefined }>(options?: Options): Options & { signal: AbortSignal } => {
    signal.throwIfAborted()
    const own = options?.signal
    return { ...(options as Options), signal: own && own !== signal ? AbortSignal.any([own, signal]) : signal }
  }
  return {
    ...client,
    of: <K extends Kind>(kind: K): KindClient<K> => {
      const objects = client.of(kind)
      return {
        get: async (at, options) => objects.get(at, bound(options)),
        list: async (options) => objects.list(bound(options)),
        create: async (object, options) => objects.create(object, bound(options)),
        update: async (object, options) => objects.update(object, bound(options)),
        mergePatch: async (at, patch, options) => objects.mergePatch(at, patch, bound(options)),
        apply: async (configuration, options) => objects.apply(configuration, bound(options)),
        jsonPatch: async (at, patch, options) => objects.jsonPatch(at, patch, bound(options)),
        delete: async (at, options) => objects.delete(at, bound(options)),
      }
    },
    raw: async (request) => client.raw(bound(request)),
    bind: async (kind, bindings, own) => client.bind(kind, bindings, bound({ signal: own }).signal),
    channels: async (path, own) => client.channels(path, bound({ signal: own }).signal),
  }
}
