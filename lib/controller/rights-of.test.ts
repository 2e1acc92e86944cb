import { describe, expect, it } from 'vitest'
import { defineKind } from '../api/define-kind.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Node } from '../api/kinds/node.js'
import { Secret } from '../api/kinds/secret.js'
import { Task } from '../api/kinds/task.js'
import { t } from '../api/schema/t.js'
import { type ControllerDeclaration, controller } from './controller.js'
import { rightsOf } from './rights-of.js'
import { watch } from './watch.js'

const names = { group: 'example.com', version: 'v1', kind: 'Pool', plural: 'pools', scope: 'Namespaced', description: 'Slots.' } as const
const Pool = defineKind({ ...names, spec: t.object({}), conditions: ['Ready'] })
const account = { namespace: 'ops', name: 'keeper' }

const declare = (more: Partial<ControllerDeclaration<typeof Pool>> = {}) => controller({ for: Pool, async reconcile() {}, ...more })
const own = ['create coordination.k8s.io/leases', 'get,update coordination.k8s.io/leases=pool', 'create /serviceaccounts/token=keeper']

/** `get,list tasks` for each rule, by `Kind namespace/name`. */
function printed(...controllers: Parameters<typeof rightsOf>[0]): Record<string, string[]> {
  return Object.fromEntries(
    rightsOf(controllers, account).map(({ kind, metadata, rules = [] }) => [
      `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`,
      rules.map(({ verbs, apiGroups = [], resources = [], resourceNames }) => {
        const names = resourceNames ? `=${resourceNames}` : ''
        return `${verbs} ${apiGroups}/${resources}${names}`
      }),
    ]),
  )
}

const everywhere = 'ClusterRole ops:keeper'
const read = 'get,list,watch'

describe('the rights of a controller', () => {
  it.each<[string, Partial<ControllerDeclaration<typeof Pool>>, string[]]>([
    [
      'reads what it is for, and writes its status',
      {},
      [`${read} example.com/pools`, 'patch example.com/pools/status', 'create,patch /events'],
    ],
    [
      'changes the object itself only for a finalizer',
      { async finalize() {} },
      [`${read},patch example.com/pools`, 'patch example.com/pools/status', 'create,patch /events'],
    ],
    [
      'makes and deletes what it owns',
      { owns: [Task] },
      [
        `${read} example.com/pools`,
        'patch example.com/pools/status',
        `${read},create,patch,delete millrace.dev/tasks`,
        'create,patch /events',
      ],
    ],
    [
      'reads what it watches',
      { watches: [watch(Secret, () => []), watch(ConfigMap, () => []), watch(Node, () => [])] },
      [`${read} example.com/pools`, `${read} /secrets,configmaps,nodes`, 'patch example.com/pools/status', 'create,patch /events'],
    ],
    [
      'has what it asks for besides',
      { rights: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create'], resourceNames: ['one'] }] },
      [`${read} example.com/pools`, 'patch example.com/pools/status', 'create,patch /events', 'create /secrets=one'],
    ],
  ])('%s', (_what, more, rules) => {
    const rights = printed(declare(more))
    expect({ ...rights, [everywhere]: rights[everywhere]?.sort() }).toEqual({ [everywhere]: rules.sort(), 'Role ops/keeper': own })
  })

  it('stay in the namespace that it is bound to, but for kinds that have none', () => {
    expect(printed(declare({ namespace: 'shop', watches: [watch(Node, () => [])] }))).toEqual({
      'Role shop/keeper': [`${read} example.com/pools`, 'patch example.com/pools/status', 'create,patch /events'],
      [everywhere]: [`${read} /nodes`],
      'Role ops/keeper': own,
    })
    expect(printed(declare({ namespace: 'ops' }))).toEqual({
      'Role ops/keeper': [`${read} example.com/pools`, 'patch example.com/pools/status', 'create,patch /events', ...own],
    })
  })

  it('are those of all controllers of a program, under the Lease of the first', () => {
    const tasks = controller({ name: 'tasks', for: Task, async reconcile() {} })
    expect(printed(declare({ owns: [Task] }), tasks)).toEqual({
      [everywhere]: [
        `${read} example.com/pools`,
        `${read},create,patch,delete millrace.dev/tasks`,
        'patch example.com/pools/status',
        'create,patch /events',
        'patch millrace.dev/tasks/status',
      ],
      'Role ops/keeper': own,
    })
  })
})
