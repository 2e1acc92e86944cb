import type { Kind } from '../../lib/api/define-kind.js'
import { printJson } from '../../lib/api/json/print-json.js'
import { shapeValue } from '../../lib/api/validation/shape-value.js'
import type { StoredObject } from '../storage/store.js'
import { parseStored } from './object-bytes.js'

/**
 * How objects of a user's kind are served in one version: with its apiVersion, without the fields that its schema
 * does not know, with its defaults. An object that was stored in another form is remade when it is first asked
 * for, without a new revision; most are served as they are stored.
 */
export function createServing({ apiVersion, schema }: Kind): (stored: StoredObject) => StoredObject {
  const forms = new WeakMap<StoredObject, StoredObject>()
  return (stored) => {
    const known = forms.get(stored)
    if (known) return known
    const object = parseStored(stored)
    object.apiVersion = apiVersion
    shapeValue(schema, object)
    const bytes = Buffer.from(printJson(object))
    const form = bytes.equals(stored.bytes) ? stored : { ...stored, bytes }
    forms.set(stored, form)
    if (form !== stored) forms.set(form, form)
    return form
  }
}
