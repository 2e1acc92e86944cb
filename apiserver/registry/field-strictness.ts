import { ApiError, type StatusCause } from '../../lib/api/api-error.js'
import type { UnknownField } from '../../lib/api/validation/shape-value.js'
import { suggestName } from '../../lib/api/validation/suggest-name.js'
import type { RequestContext } from './registry.js'

/** What a body held that the kind does not: for `fieldValidation` to judge. */
export interface Findings {
  /** `unknown field "spec.imag"`, `duplicate field "spec.env"` */
  readonly lines: readonly string[]
  /** The unknown fields again, with what was probably meant. */
  readonly causes: readonly StatusCause[]
  /** What is said whatever the level. */
  readonly warnings: string[]
}

export function strictnessFindings(unknown: readonly UnknownField[], duplicates: readonly string[]): Findings {
  return {
    lines: [...unknown.map(({ path }) => `unknown field "${path}"`), ...duplicates.map((path) => `duplicate field "${path}"`)],
    causes: unknown.map(unknownFieldCause),
    warnings: [],
  }
}

function unknownFieldCause({ path, known }: UnknownField): StatusCause {
  const dot = path.lastIndexOf('.')
  const meant = suggestName(path.slice(dot + 1), known)
  const hint = meant === undefined ? '' : `; did you mean "${path.slice(0, dot + 1)}${meant}"?`
  return { reason: 'FieldValueInvalid', field: path, message: `unknown field${hint}` }
}

/**
 * Strict refuses with the exact text that clients know, and puts "did you mean" into the causes, which kubectl does not print; Warn warns;
 * Ignore is silent.
 */
export function judgeFindings({ lines, causes, warnings }: Findings, context: RequestContext): void {
  if (context.fieldValidation === 'Strict' && lines.length > 0)
    throw new ApiError('BadRequest', `strict decoding error: ${lines.join(', ')}`, { details: { causes: causes.slice(0, maxCauses) } })
  for (const warning of warnings) context.warn(warning)
  if (context.fieldValidation === 'Warn') for (const line of lines) context.warn(line)
}
const maxCauses = 20
