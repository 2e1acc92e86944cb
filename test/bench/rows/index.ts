import type { Row } from '../measure.js'
import { containers } from './containers.js'
import { controllers } from './controllers.js'
import { creates } from './creates.js'
import { coldCommand, idleCluster } from './footprint.js'
import { informerCost } from './informer.js'
import { microvms } from './microvms.js'
import { residentObjects } from './resident.js'
import { scheduling } from './scheduling.js'
import { testClusters } from './test-cluster.js'
import { tunnels } from './tunnels.js'
import { watches } from './watches.js'

/** In the order of the table of goals. */
export const rows: readonly Row[] = [
  creates,
  watches,
  residentObjects,
  scheduling,
  containers,
  microvms,
  idleCluster,
  informerCost,
  coldCommand,
  testClusters,
  controllers,
  tunnels,
]
