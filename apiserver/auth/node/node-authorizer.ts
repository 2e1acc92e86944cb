/**
 * What a node may do. A node is a machine that others may have taken over, so it reaches itself, what is bound to it, and what that names:
 * node → Tasks → their Secrets and ConfigMaps. The store's index of spec.nodeName is that graph, so it is never behind.
 *
 * What a write changes is judged where the write is decided, by nodeRestriction.
 */

import { CertificateSigningRequest } from '../../../lib/api/kinds/certificate-signing-request.js'
import { Event } from '../../../lib/api/kinds/event.js'
import { Lease, nodeLeaseNamespace } from '../../../lib/api/kinds/lease.js'
import { Node } from '../../../lib/api/kinds/node.js'
import { Task } from '../../../lib/api/kinds/task.js'
import type { Store, StoredObject } from '../../storage/store.js'
import type { AccessDecision, AccessRequest, Authorizer } from '../authorizer.js'
import { isOwnSigningRequest } from '../csr/own-signing-request.js'
import { requestedName } from '../rbac/rule-match.js'
import { nodeNameOf } from '../user.js'
import { createReferenceIndex } from './task-references.js'

const nothingMore: AccessDecision = { allowed: false, reason: '' }
const allow = (reason: string): AccessDecision => ({ allowed: true, reason: `node: ${reason}` })
const deny = (reason: string): AccessDecision => ({ allowed: false, reason })

export function createNodeAuthorizer(store: Pick<Store, 'get' | 'list'>): Authorizer {
  const references = createReferenceIndex()

  function judge(request: AccessRequest, node: string): AccessDecision {
    switch (`${request.group}/${request.resource}`) {
      case `${Task.group}/${Task.plural}`:
        return judgeTask(request, node)
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

  function judgeTask({ verb, subresource, namespace, name, fieldEquals }: AccessRequest, node: string): AccessDecision {
    if (subresource === '' && (verb === 'list' || verb === 'watch') && fieldEquals?.['spec.nodeName'] === node)
      return allow('its own Tasks')
    if (subresource === '' && (verb === 'list' || verb === 'watch'))
      return deny(`a node reads Tasks with the field selector spec.nodeName=${node} alone`)
    const may = subresource === '' ? ['get', 'update', 'patch'] : subresource === 'status' ? ['get', 'update', 'patch'] : []
    if (!may.includes(verb) || name === '') return nothingMore
    return nodeOfTask(namespace, name) === node ? allow('a Task bound to it') : deny('no such Task is bound to this node')
  }

  function judgeReference({ verb, group, resource, subresource, namespace, name }: AccessRequest, node: string): AccessDecision {
    if (verb !== 'get' || subresource !== '' || name === '') return nothingMore
    const target = { group, resource, namespace, name }
    return boundTasks(namespace, node).some((task) => references.names(task, target))
      ? allow('a Task bound to it names it')
      : deny('no Task bound to this node names it')
  }

  /** Its labels say what Tasks in it may do, and the agent checks that again. */
  function judgeNamespace({ verb, subresource, name }: AccessRequest, node: string): AccessDecision {
    if (verb !== 'get' || subresource !== '' || name === '') return nothingMore
    return boundTasks(name, node).length > 0 ? allow('a Task bound to it is in it') : deny('no Task bound to this node is in it')
  }

  function boundTasks(namespace: string, node: string): readonly StoredObject[] {
    return store.list({ group: Task.group, resource: Task.plural, namespace, indexed: { path: 'spec.nodeName', value: node } }).objects
  }

  /** A write that changes nothing answers with the object, so an Event of others is refused here already. */
  function judgeEvent({ verb, subresource, namespace, name }: AccessRequest, node: string): AccessDecision {
    if (subresource !== '' || !['create', 'update', 'patch'].includes(verb)) return nothingMore
    const stored = store.get({ group: Event.group, resource: Event.plural, namespace, name })
    if (verb === 'create' || !stored) return allow('reports events')
    const { involvedObject: about } = JSON.parse(stored.bytes.toString()) as Event
    const isItself = about.kind === Node.kind && about.name === node
    return isItself || (about.kind === Task.kind && nodeOfTask(about.namespace ?? '', about.name ?? '') === node)
      ? allow('its own event')
      : deny('the event is about an object of others')
  }

  function nodeOfTask(namespace: string, name: string): string | undefined {
    return store.get({ group: Task.group, resource: Task.plural, namespace, name })?.facets.fields['spec.nodeName']
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
  if (request.namespace !== nodeLeaseNamespace || request.subresource !== '') return nothingMore
  if (request.verb === 'create') return allow('makes its heartbeat')
  return ['get', 'list', 'watch', 'update', 'patch'].includes(request.verb) ? judgeOwnName(request, node) : nothingMore
}

function judgeOwnName(request: AccessRequest, node: string): AccessDecision {
  return requestedName(request) === node ? allow('its own name') : deny(`a node reaches the object of its own name alone, ${node}`)
}
