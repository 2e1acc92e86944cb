import { badRequest } from '../../lib/api/api-error.js'

/**
 * The parameters of a log request, checked: those that the agent is asked with, in
 * its words. A Vps keeps lines without times, of its present run.
 */
export function parseLogQuery(query: URLSearchParams, kind: 'Task' | 'Vps' = 'Task'): URLSearchParams {
  const asked = new URLSearchParams()
  for (const [name, value] of query) {
    const parameter = parameters.get(name)
    if (parameter === undefined)
      throw badRequest(`the log has no parameter ${JSON.stringify(name)}; it knows ${[...parameters.keys()].join(', ')}`)
    const read = parameter(value)
    if (read === undefined) throw badRequest(`${JSON.stringify(value)} is not a value of the log parameter ${name}`)
    if (asked.has(name)) throw badRequest(`the log parameter ${name} is given twice`)
    if (read !== '' && kind === 'Vps' && !ofVps.has(name)) throw badRequest(`the log of a Vps has no parameter ${JSON.stringify(name)}`)
    if (read !== '') asked.set(name, read)
  }
  if (asked.has('sinceSeconds') && asked.has('sinceTime')) throw badRequest('sinceSeconds and sinceTime exclude each other')
  return asked
}

const ofVps: ReadonlySet<string> = new Set(['follow', 'tailLines'])

/** The value as the agent gets it; empty where it says nothing, undefined where it is wrong. */
type Parameter = (value: string) => string | undefined

const flag: Parameter = (value) => (['true', '1', ''].includes(value) ? 'true' : ['false', '0'].includes(value) ? '' : undefined)
const countFrom =
  (least: number): Parameter =>
  (value) =>
    /^\d{1,15}$/.test(value) && Number(value) >= least ? String(Number(value)) : undefined
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/

const parameters: ReadonlyMap<string, Parameter> = new Map<string, Parameter>([
  ['follow', flag],
  ['previous', flag],
  ['timestamps', flag],
  ['tailLines', countFrom(0)],
  ['limitBytes', countFrom(1)],
  ['sinceSeconds', countFrom(1)],
  ['sinceTime', (value) => (rfc3339.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined)],
  ['pretty', () => ''],
  // The connection to the agent is the agent's own, and always verified.
  ['insecureSkipTLSVerifyBackend', () => ''],
])
