import { t } from '../schema/t.js'
import { ResourceListSchema } from './workload.js'

/** When it was measured, as every kind of metrics.k8s.io has it. */
export const windowFields = {
  timestamp: t.time().describe('When the window ended.'),
  window: t.string().describe('How long the CPU was watched, as 15s.'),
} as const

export const usageField = (description: string) => ResourceListSchema.describe(description)

export const usageFields = (description: string) => ({ ...windowFields, usage: usageField(description) }) as const
