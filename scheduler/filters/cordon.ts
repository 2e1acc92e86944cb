import { type Filter, verb } from './filter.js'

/** A cordoned node takes no new workloads. */
export const cordonFilter: Filter = {
  name: 'Cordon',
  matters: () => true,
  passes: (_workload, node) => !node.facts.cordoned,
  explain: (_workload, failures) => `${verb(failures, 'is', 'are')} cordoned`,
}
