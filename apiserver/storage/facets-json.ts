import type { Facets } from './store.js'

/** Facets in the log: short names, empty parts left out. */
interface FacetsJson {
  l?: Record<string, string>
  f?: Record<string, string>
  o?: string[]
  c?: string[]
}

const nothing: Readonly<Record<string, string>> = Object.freeze({})
const none: readonly string[] = Object.freeze([])

/** Facets without anything in them. */
const emptyFacets: Facets = Object.freeze({ labels: nothing, fields: nothing, owners: none, claims: none })

export function printFacets(facets: Facets): string {
  const json: FacetsJson = {}
  if (Object.keys(facets.labels).length > 0) json.l = facets.labels
  if (Object.keys(facets.fields).length > 0) json.f = facets.fields
  if (facets.owners.length > 0) json.o = [...facets.owners]
  if (facets.claims.length > 0) json.c = [...facets.claims]
  return JSON.stringify(json)
}

/** The inverse of printFacets. Empty parts are shared: a hundred thousand objects without owners hold one empty list. */
export function parseFacets(text: string): Facets {
  if (text === '{}') return emptyFacets
  const json: FacetsJson = JSON.parse(text)
  return { labels: json.l ?? nothing, fields: json.f ?? nothing, owners: json.o ?? none, claims: json.c ?? none }
}
