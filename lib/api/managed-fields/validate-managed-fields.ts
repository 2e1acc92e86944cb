import { invalidValue, type StatusCause } from '../api-error.js'
import type { FieldSet } from './field-set.js'
import type { ManagedFieldsEntry } from './managed-entry.js'

const maxManagerLength = 128
const maxSubresourceLength = 256
const maxCauses = 20

/** The rules for entries that a client writes itself. The schema has been checked before. */
export function validateManagedFields(entries: readonly Partial<ManagedFieldsEntry>[]): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [index, entry] of entries.entries()) {
    if (causes.length >= maxCauses) break
    const { manager = '', operation = '', fieldsType = '', subresource = '', fieldsV1 = {} } = entry
    const at = (field: string) => `metadata.managedFields[${index}].${field}`
    if (operation !== 'Apply' && operation !== 'Update')
      causes.push(invalidValue(at('operation'), operation, 'must be `Apply` or `Update`'))
    if (fieldsType !== 'FieldsV1') causes.push(invalidValue(at('fieldsType'), fieldsType, 'must be `FieldsV1`'))
    if (manager.length > maxManagerLength)
      causes.push({
        reason: 'FieldValueTooLong',
        field: at('manager'),
        message: `Too long: may not be more than ${maxManagerLength} bytes`,
      })
    if (!isPrintable(manager)) causes.push(invalidValue(at('manager'), manager, 'should only contain printable characters'))
    if (subresource.length > maxSubresourceLength)
      causes.push({
        reason: 'FieldValueTooLong',
        field: at('subresource'),
        message: `Too long: may not be more than ${maxSubresourceLength} bytes`,
      })
    if (!isFieldSet(fieldsV1))
      causes.push(invalidValue(at('fieldsV1'), '(fields)', 'must be nested objects whose keys are `.` or begin with f:, k:, v: or i:'))
  }
  return causes
}

/** Names of managers hold no control characters: they are printed in conflicts. */
function isPrintable(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return !/[\u0000-\u001f\u007f]/.test(text)
}

function isFieldSet(value: unknown): value is FieldSet {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([element, child]) => (element === '.' || /^[fkvi]:/.test(element)) && isFieldSet(child))
}
