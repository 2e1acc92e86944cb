import { badRequest, forbiddenField, invalid, notSupported, requiredValue, type StatusCause } from '../../../lib/api/api-error.js'
import type { RequestContext } from '../../registry/registry.js'
import { warningHeader } from './answer.js'
import type { Exchange } from './exchange.js'

/** What the registry knows of a request. Warnings become headers of the answer, each text once. */
export function requestContext(exchange: Exchange, dryRun = parseDryRun(exchange.info.query.getAll('dryRun'))): RequestContext {
  const { request, response, info, requestId, user } = exchange
  const asked = info.query.get('fieldManager') ?? ''
  const warned = new Set<string>()
  return {
    user,
    requestId,
    dryRun,
    fieldManager: fieldManagerOf(asked, request.headers['user-agent']),
    namesFieldManager: asked !== '',
    fieldValidation: parseFieldValidation(info.query.get('fieldValidation')),
    warn(text) {
      if (warned.has(text) || warned.size >= maxWarnings || response.headersSent) return
      warned.add(text)
      response.appendHeader('Warning', warningHeader(text))
    },
  }
}
const maxWarnings = 30

/** `All` is the only value. Throws Invalid for others. */
export function parseDryRun(values: readonly unknown[]): boolean {
  const wrong = values.find((value) => value !== 'All' && value !== '')
  if (wrong !== undefined) throw invalidOption(notSupported('dryRun', wrong, 'supported values: "All"'))
  return values.includes('All')
}

/** Whether an apply takes fields by force. Throws Invalid for an apply without a fieldManager, and where another patch names `force`. */
export function parseForce({ info }: Exchange, isApply: boolean): boolean {
  const text = info.query.get('force') ?? ''
  if (isApply && (info.query.get('fieldManager') ?? '') === '')
    throw invalidOption(requiredValue('fieldManager', 'is required for apply patch'), 'PatchOptions')
  if (!isApply && text !== '') throw invalidOption(forbiddenField('force', 'may not be specified for non-apply patch'), 'PatchOptions')
  if (!['', 'true', 'false', '1', '0'].includes(text)) throw badRequest(`force must be true or false, not ${JSON.stringify(text)}`)
  return text === 'true' || text === '1'
}

function parseFieldValidation(text: string | null): RequestContext['fieldValidation'] {
  if (text === null || text === '') return 'Warn'
  if (text === 'Strict' || text === 'Warn' || text === 'Ignore') return text
  throw invalidOption(notSupported('fieldValidation', text, 'supported values: "Ignore", "Strict", "Warn"'))
}

function invalidOption(cause: StatusCause, kind = 'RequestOptions') {
  return invalid({ group: 'meta.k8s.io', resource: '', kind }, [cause])
}

/** Who writes, for the record: what the client says, else the name of its program. */
function fieldManagerOf(asked: string, userAgent: string | undefined): string {
  if (asked === '') return (userAgent ?? 'unknown').split('/', 1)[0]?.slice(0, 128) || 'unknown'
  if (asked.length > 128) throw badRequest('fieldManager: Too long: may not be more than 128 characters')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(asked)) throw badRequest('fieldManager: Invalid value: should only contain printable characters')
  return asked
}
