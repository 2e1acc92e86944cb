import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'
import { validateDataKeys, validateImmutable } from './secret.js'

export const ConfigMap = defineKind({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  scope: 'Namespaced',
  description: 'Configuration that workloads read as environment or files.',
  fields: {
    data: t.map(t.string()).describe('Values as text.').optional(),
    binaryData: t.map(t.bytes()).describe('Values, base64.').optional(),
    immutable: t.boolean().describe('Whether the values can no longer change.').optional(),
  },
  columns: [
    { name: 'Data', type: 'integer', jsonPath: '.data', description: 'How many values it has.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  ],
  validate: (object, old) => [
    ...validateDataKeys(object, ['data', 'binaryData']),
    ...validateImmutable(object, old, ['data', 'binaryData']),
  ],
})
export type ConfigMap = Resource<typeof ConfigMap>
export type ConfigMapManifest = Manifest<typeof ConfigMap>
