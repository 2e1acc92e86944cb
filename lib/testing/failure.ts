import { parseRequest } from '../../apiserver/http/wire/request-info.js'
import type { ErrorReason } from '../api/api-error.js'
import type { Kind } from '../api/define-kind.js'
import type { TransportRequest } from '../client/transport.js'

/** What a request does; `patch` is every patch, `apply` those that are server-side applies. */
export type RequestVerb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'apply' | 'delete'

/**
 * How a request fails. A reason: the server answers with it and does nothing. A connection lost before: the
 * request never arrives. Lost after: it is carried out, and the answer never arrives. A crash: the controllers
 * die before or after it, as by kill -9, and are started again.
 */
export type FailureForm = ErrorReason | 'connection lost before' | 'connection lost after' | 'crash before' | 'crash after'

/** Requests of the controllers that fail; what is left out matches all. */
export interface Failure {
  readonly verb?: RequestVerb | undefined
  readonly kind?: Kind | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly subresource?: string | undefined
  readonly with: FailureForm
  /** How many matching requests go well first. Default 0. */
  readonly after?: number | undefined
  /** How many fail then. Default 1. */
  readonly times?: number | undefined
  /** From the failing request on, watches tell nothing until so many further requests have been sent. Default 0: they tell all at once. */
  readonly lag?: number | undefined
}

/** What is known of a request before it is sent. */
export interface RequestFacts {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

/** A creation names its object in the body alone. */
export function requestFacts({ method, path, headers, body }: TransportRequest): RequestFacts {
  const { verb, group, resource, namespace, name, subresource } = parseRequest(method, path)
  const isApply = verb === 'patch' && headers?.['content-type'] === 'application/apply-patch+yaml'
  const named = verb === 'create' && subresource === '' ? nameIn(body) : name
  return { verb: isApply ? 'apply' : verb, group, resource, namespace, name: named, subresource }
}

/** Whether the failure is about such requests, however often it has been met. */
export function isAbout(failure: Failure, facts: RequestFacts): boolean {
  const { verb, kind, namespace, name, subresource } = failure
  return (
    (verb === undefined || verb === facts.verb || (verb === 'patch' && facts.verb === 'apply')) &&
    (kind === undefined || (kind.group === facts.group && kind.plural === facts.resource)) &&
    (namespace === undefined || namespace === facts.namespace) &&
    (name === undefined || name === facts.name) &&
    (subresource === undefined || subresource === facts.subresource)
  )
}

/** As `apply tasks default/a-0`. */
export function describeRequest({ verb, resource, namespace, name, subresource }: RequestFacts): string {
  const object = [namespace, name].filter(Boolean).join('/')
  return [verb, resource + (subresource && `/${subresource}`), object].filter(Boolean).join(' ')
}

function nameIn(body: string | Buffer | undefined): string {
  const { metadata } = JSON.parse(String(body ?? '{}')) as { metadata?: { name?: string } }
  return metadata?.name ?? ''
}
