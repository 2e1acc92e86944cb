import { invalidValue } from '../../../lib/api/api-error.js'
import type { Strategy } from './strategy.js'

interface EventParts {
  involvedObject?: { namespace?: string }
  source?: { component?: string; host?: string }
}

/** Not selectable: what the Events of one node are counted by. */
export const sourceHostField = 'source.host'

/** An event lies in the namespace of what it is about; events about cluster-scoped objects lie in `default`. */
export const eventStrategy: Strategy = {
  validate(object) {
    const about = (object as unknown as EventParts).involvedObject?.namespace ?? ''
    const { namespace } = object.metadata
    if (about === namespace || (about === '' && namespace === 'default')) return []
    return [invalidValue('involvedObject.namespace', about, 'does not match event.namespace')]
  },

  fields(object) {
    const { component = '', host = '' } = (object as unknown as EventParts).source ?? {}
    return { source: component, [sourceHostField]: host }
  },
}
