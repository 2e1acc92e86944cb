import { describe, expect, it } from 'vitest'
import type { Condition } from '../../../lib/api/condition.js'
import type { TaskStatus } from '../../../lib/api/kinds/task.js'
import { taskPhase } from '../../../lib/api/task-phase.js'
import { aTask, type TaskParts } from '../../../lib/testing/a-task.js'
import { podCells } from '../../http/shape/pod-cells.js'
import { podLogQuery } from './pod-log-query.js'
import { podOf, podUid } from './pod-view.js'

const nowMs = Date.parse('2026-01-01T01:00:00Z')
const time = '2026-01-01T00:00:00Z'
const said = (type: string, status: 'True' | 'False' | 'Unknown', reason = '', message = ''): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: time,
})
const bound = said('Scheduled', 'True', 'Bound')
const accepted = said('Accepted', 'True', 'Accepted')
const running = [bound, accepted, said('Running', 'True', 'Started'), said('Ready', 'True', 'Started')]
const ended = (reason: string, message = '') => [
  bound,
  accepted,
  said('Running', 'False', 'Ended'),
  said('Ready', 'False', 'NotRunning'),
  said('Complete', 'True', reason, message),
]

/** A Task on a node whose conditions say this. */
const taskThatSays = (conditions: Condition[], status: Partial<TaskStatus> = {}, more: TaskParts = {}) =>
  aTask({
    ...more,
    spec: { nodeName: 'n1', ...more.spec },
    status: { phase: taskPhase(conditions), conditions, ...status },
  })
const started = { startedAt: time }

describe('the Pod of a Task', () => {
  it.each<[string, Condition[], Partial<TaskStatus>, [string, string, string, string]]>([
    ['bound', [bound], {}, ['Pending', '0/1', 'ContainerCreating', '0']],
    ['pulling', [bound, accepted, said('ImageReady', 'False', 'Pulling')], {}, ['Pending', '0/1', 'ContainerCreating', '0']],
    ['without its image', [bound, accepted, said('ImageReady', 'False', 'ImageNotFound')], {}, ['Pending', '0/1', 'ErrImagePull', '0']],
    [
      'without its Secret',
      [bound, accepted, said('ImageReady', 'True'), said('Running', 'False', 'ConfigMissing')],
      {},
      ['Pending', '0/1', 'CreateContainerConfigError', '0'],
    ],
    ['running', running, started, ['Running', '1/1', 'Running', '0']],
    [
      'running but not ready',
      [...running.slice(0, 3), said('Ready', 'False', 'ProbeFailing')],
      started,
      ['Running', '0/1', 'Running', '0'],
    ],
    [
      'waiting to run again',
      [bound, accepted, said('Running', 'False', 'CrashLoopBackOff')],
      { ...started, restarts: 3, exitCode: 1 },
      ['Running', '0/1', 'CrashLoopBackOff', '3 (60m ago)'],
    ],
    ['running again', running, { ...started, restarts: 1, exitCode: 0 }, ['Running', '1/1', 'Running', '1 (60m ago)']],
    ['paused', [bound, accepted, said('Running', 'False', 'Paused')], started, ['Running', '0/1', 'Paused', '0']],
    ['paused before its start', [bound, accepted, said('Running', 'False', 'Paused')], {}, ['Pending', '0/1', 'Paused', '0']],
    ['on a silent node', [bound, accepted, said('Running', 'Unknown', 'NodeUnreachable')], started, ['Unknown', '0/1', 'Unknown', '0']],
    ['that succeeded', ended('Succeeded'), { ...started, exitCode: 0 }, ['Succeeded', '0/1', 'Completed', '0']],
    ['that failed', ended('ExitCode'), { ...started, exitCode: 3 }, ['Failed', '0/1', 'Error', '0']],
    [
      'that used too much memory',
      ended('OOMKilled'),
      { ...started, exitCode: 137, signal: 'SIGKILL' },
      ['Failed', '0/1', 'OOMKilled', '0'],
    ],
    ['whose time is over', ended('DeadlineExceeded'), { ...started, exitCode: 143 }, ['Failed', '0/1', 'DeadlineExceeded', '0']],
    ['whose node was lost', ended('NodeLost'), started, ['Failed', '0/1', 'NodeLost', '0']],
    ['that its node refused', [bound, said('Complete', 'True', 'Refused')], {}, ['Failed', '0/1', 'Refused', '0']],
  ])('%s', (_name, conditions, status, expected) => {
    const pod = podOf(taskThatSays(conditions, status))
    const { Ready, Status, Restarts } = podCells(pod, nowMs)
    expect([pod.status?.phase, Ready, Status, Restarts]).toEqual(expected)
  })

  it('that waits for a node has no container yet', () => {
    const { status } = podOf(aTask({ status: { phase: 'Pending', conditions: [said('Scheduled', 'False', 'Unschedulable', '0 of 1')] } }))
    expect(status).toMatchObject({
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0 of 1' }],
    })
    expect(status?.containerStatuses).toBeUndefined()
  })

  it('that is being deleted is Terminating, unless it has ended', () => {
    const metadata = { deletionTimestamp: time }
    expect(podCells(podOf(taskThatSays(running, started, { metadata })), nowMs).Status).toBe('Terminating')
    expect(podCells(podOf(taskThatSays(ended('Succeeded'), { exitCode: 0 }, { metadata })), nowMs).Status).toBe('Completed')
  })

  it('has the uid of the Task at first, and then one for each attempt, always the same', () => {
    const uid = '3b9f0d0a-54c5-4a39-b2a4-0a6c1f1d5a0e'
    expect(podUid(uid, 0)).toBe(uid)
    expect(podUid(uid, 1)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(podUid(uid, 1)).toBe(podUid(uid, 1))
    expect(new Set([podUid(uid, 1), podUid(uid, 2), podUid('other', 1)]).size).toBe(3)
  })

  it('has the labels, owners and revision of the Task, and not what tools noted about its manifest', () => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u' }]
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'kept' }
    const metadata = { resourceVersion: '7', labels: { a: 'b' }, ownerReferences, annotations }
    const pod = podOf(aTask({ metadata }))
    expect(pod.metadata).toMatchObject({ resourceVersion: '7', labels: { a: 'b' }, ownerReferences, annotations: { note: 'kept' } })
    expect(pod.metadata.annotations).toEqual({ note: 'kept' })
    expect(podOf(aTask({ metadata: { annotations: { [Object.keys(annotations)[0] ?? '']: '{}' } } })).metadata.annotations).toBeUndefined()
  })

  it('says in the words of a Pod what the Task asks for', () => {
    const probe = { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 }
    const { spec } = podOf(
      aTask({
        spec: {
          image: 'nginx',
          ports: [{ port: 80, protocol: 'TCP', hostPort: 8080 }],
          livenessProbe: { ...probe, http: { path: '/', port: 80, scheme: 'HTTP' } },
          readinessProbe: { ...probe, tcp: { port: 80 } },
          privileged: true,
        },
      }),
    )
    expect(spec.containers).toEqual([
      expect.objectContaining({
        name: 'main',
        image: 'nginx',
        ports: [{ containerPort: 80, protocol: 'TCP', hostPort: 8080 }],
        livenessProbe: { ...probe, httpGet: { path: '/', port: 80, scheme: 'HTTP' } },
        readinessProbe: { ...probe, tcpSocket: { port: 80 } },
        securityContext: { privileged: true },
      }),
    ])
  })

  it.each([
    [{}, 'BestEffort'],
    [{ requests: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
    [{ requests: { cpu: '1000m', memory: '1024Mi' }, limits: { cpu: 1, memory: '1Gi' } }, 'Guaranteed'],
    [{ requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } }, 'Burstable'],
  ])('with %j is of the class %s', (resources, expected) => {
    expect(podOf(aTask({ spec: { resources } })).status?.qosClass).toBe(expected)
  })
})

describe('the log of a Pod', () => {
  const creating = podOf(taskThatSays([bound]))
  const crashing = podOf(
    taskThatSays([bound, accepted, said('Running', 'False', 'CrashLoopBackOff')], { ...started, restarts: 1, exitCode: 1 }),
  )
  const unscheduled = podOf(
    aTask({ status: { phase: 'Pending', conditions: [said('Scheduled', 'False', 'Unschedulable', 'no node fits')] } }),
  )
  const pulling = podOf(taskThatSays([bound, accepted, said('ImageReady', 'False', 'ImagePullFailed')]))
  const runs = podOf(taskThatSays(running, started))

  it.each([
    ['of a container that is being made', creating, '', 'container "main" in pod "a" is waiting to start: ContainerCreating'],
    ['of one whose image is missing', pulling, '', 'container "main" in pod "a" is waiting to start: trying and failing to pull image'],
    ['of a Pod without a node', unscheduled, '', 'container "main" in pod "a" is waiting to start: no node fits'],
    ['of a container that there is not', runs, 'container=side', 'container side is not valid for pod a'],
    ['of a run before the first', runs, 'previous=true', 'previous terminated container "main" in pod "a" not found'],
  ])('%s is refused', (_name, pod, query, message) => {
    expect(() => podLogQuery(pod, new URLSearchParams(query))).toThrow(expect.objectContaining({ code: 400, message }))
  })

  it.each([
    ['of its container', runs, 'container=main&follow=true', 'follow=true'],
    ['of one that waits for its next run', crashing, 'previous=true', 'previous=true'],
  ])('%s is asked for from the Task', (_name, pod, query, expected) => {
    expect(podLogQuery(pod, new URLSearchParams(query)).toString()).toBe(expected)
  })
})
