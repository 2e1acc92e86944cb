import { expect, it } from 'vitest'
import { Node } from '../api/kinds/node.js'
import { Task } from '../api/kinds/task.js'
import type { TransportRequest } from '../client/transport.js'
import { describeRequest, type Failure, isAbout, requestFacts } from './failure.js'

const tasks = '/apis/millrace.dev/v1/namespaces/default/tasks'
const applyType = { 'content-type': 'application/apply-patch+yaml' }
const create = { method: 'POST', path: tasks, body: '{"metadata":{"name":"a"}}' }
const apply = { method: 'PATCH', path: `${tasks}/a?fieldManager=x&force=true`, headers: applyType }
const patchStatus = { method: 'PATCH', path: `${tasks}/a/status`, headers: { 'content-type': 'application/merge-patch+json' } }

it.each([
  [create, 'create tasks default/a'],
  [{ ...create, body: '{"metadata":{"generateName":"a-"}}' }, 'create tasks default'],
  [apply, 'apply tasks default/a'],
  [patchStatus, 'patch tasks/status default/a'],
  [{ method: 'GET', path: '/api/v1/nodes?limit=5' }, 'list nodes'],
  [{ method: 'DELETE', path: `${tasks}/a`, body: '{}' }, 'delete tasks default/a'],
])('%j in words', (request, words) => {
  expect(describeRequest(requestFacts(request))).toBe(words)
})

it.each([
  ['nothing', {}, create, true],
  ['all that there is', { verb: 'create', kind: Task, namespace: 'default', name: 'a' }, create, true],
  ['any patch', { verb: 'patch' }, apply, true],
  ['applies', { verb: 'apply' }, apply, true],
  ['applies', { verb: 'apply' }, patchStatus, false],
  ['the status', { subresource: 'status' }, patchStatus, true],
  ['the status', { subresource: 'status' }, apply, false],
  ['no subresource', { subresource: '' }, patchStatus, false],
  ['another kind', { kind: Node }, create, false],
  ['another namespace', { namespace: 'other' }, create, false],
  ['another name', { name: 'b' }, create, false],
] satisfies [string, Omit<Failure, 'with'>, TransportRequest, boolean][])('a failure that says %s', (_name, failure, request, expected) => {
  expect(isAbout({ ...failure, with: 'Conflict' }, requestFacts(request))).toBe(expected)
})
