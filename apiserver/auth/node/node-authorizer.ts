/**
 * What a node may do. A node is a machine that others may have taken over, so it reaches itself, what is bound to it, and what
 * that names: node → Tasks → their Secrets and ConfigMaps; node → Vpses → the snapshots that they are restored from. The store's
 * index of spec.nodeName is that graph, so it is never behind.
 *
 * What a write changes is judged where the write is decided, by nodeRestriction.
 */

import type { Kind } from '../../../lib/api/define-kind.js'
import { CertificateSigningRequest } from '../../../lib/api/kinds/certificate-signing-request.js'
import { Event } from '../../../lib/api/kinds/event.js'
import { IPClaim } from '../../../lib/api/kinds/ip-claim.js'
import { Lease, nodeLeaseNamespace, streamNamespace } from '../../../lib/api/kinds/lease.js'
import { Node } from '../../../lib/api/kinds/node.js'
import { Task } from '../../../lib/api/kinds/task.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../../lib/api/kinds/vps-snapshot.js'
import type { ObjectKey } from '../../../lib/api/object-key.js'
import type { Store, StoredObject } from '../../storage/store.js'
import type { AccessDecision, AccessRequest, Authorizer } from '../authorizer.js'
import { isOwnSigningRequest } from '../csr/own-signing-request.js'
import { requestedName } from '../rbac/rule-match.js'
import { nodeNameOf } from '../user.js'
import { boundKindOf, boundKinds, runningKinds } from './bound-kinds.js'
import { createReferenceIndex } from './task-references.js'

const nothingMore: AccessDecision = { allowed: false, reason: '' }
const allow = (reason: string): AccessDecision => ({ allowed: true, reason: `node: ${reason}` })
const deny = (reason: string): AccessDecision => ({ allowed: false, reason })

export function createNodeAuthorizer(store: Pick<Store, 'get' | 'list'>): Authorizer {
  const references = createReferenceIndex()

  function judge(request: AccessRequest, node: string): AccessDecision {
    const bound = boundKinds.find(({ group, plural }) => group === request.group && plural === request.resource)
    if (bound) return judgeBound(request, node, bound.kind)
    switch (`${request.group}/${request.resource}`) {
      case `${IPClaim.group}/${IPClaim.plural}`:
        return judgeClaim(request, node)
      case '/secrets':
      case '/configmaps':
        return judgeReference(request, node)
      case '/namespaces':
        return judgeNamespace(request, node)
      case `${Node.group}/${Node.plural}`:
        return judgeNode(request, node)
      case `${Lease.group}/${Lease.plural}`:
        return judgeLease(request, node)
      case '/events':
        return judgeEvent(request, node)
      case `${CertificateSigningRequest.group}/${CertificateSigningRequest.plural}`:
        return judgeSigningRequest(request)
      case 'millrace.dev/nodestreams':
        return request.verb === 'get' && request.subresource === '' ? judgeOwnName(request, node) : nothingMore
      default:
        return nothingMore
    }
  }

  function judgeBound(request: AccessRequest, node: string, kind: string): AccessDecision {
    const { verb, subresource, name } = request
    const collection = judgeOwnCollection(request, node, kind)
    if (collection) return collection
    if (kind === VpsSnapshot.kind && verb === 'get' && (subresource === '' || subresource === 'content') && isRestored(request, node))
      return allow('a Vps bound to it is restored from it')
    const may = subresource === '' || subresource === 'status' ? ['get', 'update', 'patch'] : []
    if (!may.includes(verb) || name === '') return nothingMore
    if (nodeOf(request) === node) return allow(`a ${kind} bound to it`)
    return deny(`no such ${kind} is bound to this node`)
  }

  /** What it may make, change and delete is judged with the write. */
  function judgeClaim(request: AccessRequest, node: string): AccessDecision {
    const { verb, subresource, name } = request
    if (subresource !== '') return nothingMore
    const collection = judgeOwnCollection(request, node, IPClaim.kind)
    if (collection) return collection
    if (verb === 'create') return allow('claims addresses for what is bound to it')
    if (!['get', 'update', 'patch', 'delete'].includes(verb) || name === '') return nothingMore
    return nodeOf(request) === node ? allow('an address of its own range') : deny('the address is not of the range of this node')
  }

  function judgeOwnCollection({ verb, subresource, fieldEquals }: AccessRequest, node: string, kind: string): AccessDecision | undefined {
    if (subresource !== '' || (verb !== 'list' && verb !== 'watch')) return undefined
    return fieldEquals?.['spec.nodeName'] === node
      ? allow(`its own ${kind}`)
      : deny(`a node reads ${kind} objects with the field selector spec.nodeName=${node} alone`)
  }

  function isRestored({ namespace, name }: AccessRequest, node: string): boolean {
    return bound(Vps, namespace, node).some(({ bytes }) => (JSON.parse(bytes.toString()) as Vps).spec.restoreFrom?.name === name)
  }

  function judgeReference({ verb, group, resource, subresource, namespace, name }: AccessRequest, node: string): AccessDecision {
    if (verb !== 'get' || subresource !== '' || name === '') return nothingMore
    const target = { group, resource, namespace, name }
    return bound(Task, namespace, node).some((task) => references.names(task, target))
      ? allow('a Task bound to it names it')
      : deny('no Task bound to this node names it')
  }

  /** Its labels say what workloads in it may do, and the agent checks that again. */
  function judgeNamespace({ verb, subresource, name }: AccessRequest, node: string): AccessDecision {
    if (verb !== 'get' || subresource !== '' || name === '') return nothingMore
    return runningKinds.some((kind) => bound(kind, name, node).length > 0)
      ? allow('a workload bound to it is in it')
      : deny('no workload bound to this node is in it')
  }

  function bound({ group, plural }: Pick<Kind, 'group' | 'plural'>, namespace: string, node: string): readonly StoredObject[] {
    return store.list({ group, resource: plural, namespace, indexed: { path: 'spec.nodeName', value: node } }).objects
  }

  /** A write that changes nothing answers with the object, so an Event of others is refused here already. */
  function judgeEvent({ verb, subresource, namespace, name }: AccessRequest, node: string): AccessDecision {
    if (subresource !== '' || !['create', 'update', 'patch'].includes(verb)) return nothingMore
    const stored = store.get({ group: Event.group, resource: Event.plural, namespace, name })
    if (verb === 'create' || !stored) return allow('reports events')
    const { involvedObject: about } = JSON.parse(stored.bytes.toString()) as Event
    const isItself = about.kind === Node.kind && about.name === node
    const { namespace: aboutNamespace = '', name: aboutName = '' } = about
    const kind = boundKindOf(about.kind)
    const target = kind && { group: kind.group, resource: kind.plural, namespace: aboutNamespace, name: aboutName }
    return isItself || (target && nodeOf(target) === node) ? allow('its own event') : deny('the event is about an object of others')
  }

  function nodeOf({ group, resource, namespace, name }: ObjectKey): string | undefined {
    return store.get({ group, resource, namespace, name })?.facets.fields['spec.nodeName']
  }

  function judgeSigningRequest(request: AccessRequest): AccessDecision {
    if (request.subresource !== '') return nothingMore
    if (request.verb === 'create') return allow('renews its certificate')
    return request.verb === 'get' && isOwnSigningRequest(store, request) ? allow('its own request') : nothingMore
  }

  return {
    authorize(request) {
      const node = nodeNameOf(request.user)
      return node === undefined || node === '' || request.resource === '' ? nothingMore : judge(request, node)
    },
  }
}

function judgeNode(request: AccessRequest, node: string): AccessDecision {
  if (request.verb === 'create' && request.subresource === '') return allow('registers itself')
  const verbs =
    request.subresource === ''
      ? ['get', 'list', 'watch', 'update', 'patch']
      : request.subresource === 'status'
        ? ['get', 'update', 'patch']
        : []
  return verbs.includes(request.verb) ? judgeOwnName(request, node) : nothingMore
}

function judgeLease(request: AccessRequest, node: string): AccessDecision {
  if (request.namespace === streamNamespace && request.subresource === '' && ['get', 'list', 'watch'].includes(request.verb))
    return allow('finds the gateways')
  if (request.namespace !== nodeLeaseNamespace || request.subresource !== '') return nothingMore
  if (request.verb === 'create') return allow('makes its heartbeat')
  return ['get', 'list', 'watch', 'update', 'patch'].includes(request.verb) ? judgeOwnName(request, node) : nothingMore
}

function judgeOwnName(request: AccessRequest, node: string): AccessDecision {
  return requestedName(request) === node ? allow('its own name') : deny(`a node reaches the object of its own name alone, ${node}`)
}
