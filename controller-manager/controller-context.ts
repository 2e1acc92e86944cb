import type { CustomResourceDefinition } from '../lib/api/kinds/custom-resource-definition.js'
import type { Lease } from '../lib/api/kinds/lease.js'
import type { Namespace } from '../lib/api/kinds/namespace.js'
import type { Node } from '../lib/api/kinds/node.js'
import type { ServiceAccount } from '../lib/api/kinds/service-account.js'
import type { Task } from '../lib/api/kinds/task.js'
import type { Vps } from '../lib/api/kinds/vps.js'
import type { VpsSnapshot } from '../lib/api/kinds/vps-snapshot.js'
import type { Clock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Client } from '../lib/client/client.js'
import type { EventRecorder } from '../lib/client/events/event-recorder.js'
import type { FeedableInformer, Informer } from '../lib/client/informer/informer.js'
import type { WatchTime } from './node-lifecycle/watch-time.js'
import type { RangePool } from './node-range/range-pools.js'

/** What every controller gets. The informers share one stream, so that what one shows, the others have seen. */
export interface ControllerContext {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  readonly identity: string
  readonly nodes: Informer<Node> & FeedableInformer
  readonly leases: Informer<Lease> & FeedableInformer
  readonly namespaces: Informer<Namespace> & FeedableInformer
  readonly serviceAccounts: Informer<ServiceAccount> & FeedableInformer
  /** Index `node`: by spec.nodeName. */
  readonly tasks: Informer<Task, 'node'> & FeedableInformer
  /** Index `node`: by spec.nodeName. */
  readonly vpses: Informer<Vps, 'node'> & FeedableInformer
  /** Index `node`: by spec.nodeName. */
  readonly snapshots: Informer<VpsSnapshot, 'node'> & FeedableInformer
  readonly definitions: Informer<CustomResourceDefinition> & FeedableInformer
  /** Time during which everything was seen. */
  readonly watchTime: WatchTime
  /** Out of which Nodes get their ranges of addresses. */
  readonly rangePools: readonly RangePool[]
}
