import { invalidValue } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import type { Strategy } from './strategy.js'

/** stringData is written into data and never stored; the type never changes. */
export const secretStrategy: Strategy = {
  prepareCreate: encodeStringData,
  prepareApply: encodeStringData,
  prepareUpdate: encodeStringData,
  validateUpdate: (object, old) => (object.type === old.type ? [] : [invalidValue('type', object.type, 'field is immutable')]),
}

function encodeStringData(object: KubeObject): void {
  const { stringData } = object
  delete object.stringData
  if (!stringData) return
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')])
  object.data = { ...(object.data as object | undefined), ...Object.fromEntries(encoded) }
}
