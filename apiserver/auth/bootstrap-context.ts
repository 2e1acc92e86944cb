import type { RequestContext } from '../registry/registry.js'
import { serverUser } from './user.js'

/** In which the server itself writes what every cluster has. */
export const bootstrapContext: RequestContext = {
  user: serverUser,
  requestId: 'bootstrap',
  fieldManager: 'millrace-apiserver',
  namesFieldManager: false,
  dryRun: false,
  fieldValidation: 'Strict',
  warn: () => {},
}
