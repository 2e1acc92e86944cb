import { type Request, type Response, Router } from 'express'
import type { ServerParts } from '../server-parts.js'
import { sendNoSuchPath } from '../wire/answer.js'
import { aggregatedDiscovery, aggregatedType, wantsAggregated } from './aggregated.js'
import { type ApiGroup, apiGroups } from './api-groups.js'
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './classic.js'

/** What there is, in both forms that clients ask for: all at once, or one answer per group and version. */
export function discoveryRoutes({ registry }: ServerParts): Router {
  const groups = () => apiGroups(registry.kinds)
  const routes = Router()
  routes.get('/api', (request, response) => {
    const core = groups().filter((group) => group.name === '')
    if (wantsAggregated(request.headers.accept)) sendAggregated(response, core)
    else response.json(apiVersions(core, request.headers.host ?? ''))
  })
  routes.get('/apis', (request, response) => {
    const named = groups().filter((group) => group.name !== '')
    if (wantsAggregated(request.headers.accept)) sendAggregated(response, named)
    else response.json(apiGroupList(named))
  })
  routes.get('/apis/:group', (request, response) => {
    const group = groups().find(({ name }) => name !== '' && name === request.params.group)
    if (group) response.json(apiGroup(group))
    else sendNoSuchPath(response)
  })
  const sendResources = (request: Request<{ group?: string; version: string }>, response: Response) => {
    const group = groups().find(({ name }) => name === (request.params.group ?? ''))
    const version = group?.versions.find((candidate) => candidate.version === request.params.version)
    if (group && version) response.json(apiResourceList(group, version))
    else sendNoSuchPath(response)
  }
  routes.get('/api/:version', sendResources)
  routes.get('/apis/:group/:version', sendResources)
  return routes
}

/** Express would add a charset, and clients compare the type by its parameters. */
function sendAggregated(response: Response, groups: readonly ApiGroup[]): void {
  const body = Buffer.from(JSON.stringify(aggregatedDiscovery(groups)))
  response.setHeader('Vary', 'Accept')
  response.writeHead(200, { 'Content-Type': aggregatedType, 'Content-Length': body.length }).end(body)
}
