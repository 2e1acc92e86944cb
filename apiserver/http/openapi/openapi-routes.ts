import { createHash } from 'node:crypto'
import { type Request, type Response, Router } from 'express'
import { ApiError } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import type { Registry } from '../../registry/registry.js'
import type { ServerParts } from '../server-parts.js'
import { sendJson, sendNoSuchPath } from '../wire/answer.js'
import { openapiDocument } from './openapi-document.js'
import { openapiV2Document, openapiV2Type } from './openapi-v2.js'

interface PublishedDocument {
  /** What it is made from. */
  readonly kinds: readonly Kind[]
  readonly bytes: Buffer
  readonly hash: string
}

/**
 * The index and one document per group and version. A document's address carries the hash of its content, so clients may keep it for ever.
 */
export function openapiRoutes({ registry }: ServerParts): Router {
  const published = createPublisher(registry)
  const routes = Router()
  routes.get('/openapi/v2', (request, response) => {
    if (!request.headers.accept?.includes('proto-openapi.spec.v2'))
      throw new ApiError('NotAcceptable', `only the following media types are accepted: ${openapiV2Type}; the schemas are in /openapi/v3`)
    response.writeHead(200, { 'Content-Type': openapiV2Type }).end(openapiV2Document())
  })
  routes.get('/openapi/v3', async (_request, response) => {
    const paths = [...(await published())].map(([path, { hash }]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }])
    response.json({ paths: Object.fromEntries(paths) })
  })
  routes.get('/openapi/v3/*path', async (request, response) => {
    const segments: unknown = request.params.path
    const document = (await published()).get(Array.isArray(segments) ? segments.join('/') : String(segments))
    return document ? send(request, response, document) : sendNoSuchPath(response)
  })
  return routes
}

/** The documents of the kinds as they are now. What has not changed is not made again; the event loop turns after each that is. */
function createPublisher(registry: Pick<Registry, 'kinds'>): () => Promise<ReadonlyMap<string, PublishedDocument>> {
  let made: ReadonlyMap<string, PublishedDocument> = new Map()
  let from: readonly Kind[] = []
  return async () => {
    const { kinds } = registry
    if (kinds === from) return made
    const documents = new Map<string, PublishedDocument>()
    for (const [path, ofPath] of kindsByPath(kinds)) {
      const known = made.get(path)
      if (known && known.kinds.length === ofPath.length && ofPath.every((kind, index) => kind === known.kinds[index]))
        documents.set(path, known)
      else {
        documents.set(path, publish(ofPath))
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    made = documents
    from = kinds
    return documents
  }
}

function kindsByPath(kinds: readonly Kind[]): Map<string, Kind[]> {
  const byPath = new Map<string, Kind[]>()
  for (const kind of kinds) {
    const path = kind.group === '' ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`
    byPath.set(path, [...(byPath.get(path) ?? []), kind])
  }
  return byPath
}

function publish(kinds: readonly Kind[]): PublishedDocument {
  const bytes = Buffer.from(JSON.stringify(openapiDocument(kinds)))
  return { kinds, bytes, hash: createHash('sha256').update(bytes).digest('hex').slice(0, 32).toUpperCase() }
}

async function send(request: Request, response: Response, { bytes, hash }: PublishedDocument): Promise<void> {
  if (!request.accepts('application/json'))
    throw new ApiError('NotAcceptable', 'only the following media types are accepted: application/json')
  const tag = `"${hash}"`
  response.setHeader('ETag', tag)
  response.setHeader('Vary', 'Accept')
  const cache = request.query.hash === hash ? 'public, immutable, max-age=31536000' : 'no-cache, private'
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304, { 'Cache-Control': cache }).end()
    return
  }
  await sendJson(request, response, 200, bytes, cache)
}
