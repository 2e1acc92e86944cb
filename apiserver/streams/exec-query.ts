import { badRequest } from '../../lib/api/api-error.js'

/** What an exec or attach is asked to carry. */
export interface SessionStreams {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

export interface ExecQuery extends SessionStreams {
  readonly command: readonly string[]
}

/** The agent is asked in a header, whose size is bounded. */
const maxCommandBytes = 32 * 1024

/** The parameters of an exec, checked. `container`: the one name that the parameter may have. */
export function parseExecQuery(query: URLSearchParams, container: string | undefined): ExecQuery {
  const streams = parseStreams('exec', query, container, ['command'])
  const command = query.getAll('command')
  if (!command[0]) throw badRequest('exec needs a command: ?command=PROGRAM&command=ARGUMENT…')
  if (command.some((word) => word.includes('\0'))) throw badRequest('a command may not hold a NUL character')
  if (encodeURIComponent(command.join(' ')).length > maxCommandBytes)
    throw badRequest(`the command is longer than ${maxCommandBytes} bytes: give long scripts to the standard input of a shell`)
  return { ...streams, command }
}

/** The parameters of an attach, checked. */
export function parseAttachQuery(query: URLSearchParams, container: string | undefined): SessionStreams {
  return parseStreams('attach', query, container, [])
}

/** A console is a terminal, whose size nobody asks for: what it says comes as one, and it hears. */
export function parseConsoleQuery(query: URLSearchParams): SessionStreams {
  for (const name of query.keys()) throw badRequest(`console has no parameter ${JSON.stringify(name)}; it is a terminal, and that is all`)
  return { stdin: true, stdout: true, stderr: false, tty: true }
}

function parseStreams(
  what: 'exec' | 'attach',
  query: URLSearchParams,
  container: string | undefined,
  further: readonly string[],
): SessionStreams {
  const known = [...streamNames, ...further, ...(container === undefined ? [] : ['container'])]
  for (const name of query.keys())
    if (!known.includes(name)) throw badRequest(`${what} has no parameter ${JSON.stringify(name)}; it knows ${known.join(', ')}`)
  const asked = query.get('container')
  if (asked !== null && asked !== '' && asked !== container)
    throw badRequest(`there is no container ${JSON.stringify(asked)}; the one there is called "${container}"`)
  const flag = (name: string, otherwise: boolean) => {
    const value = query.get(name)
    if (value === null) return otherwise
    if (value === 'true' || value === '1') return true
    if (value === 'false' || value === '0') return false
    throw badRequest(`${JSON.stringify(value)} is not a value of the parameter ${name}: true or false`)
  }
  const tty = flag('tty', false)
  const stdout = flag('stdout', true)
  // With a terminal both come as one.
  const streams = { stdin: flag('stdin', false), stdout, stderr: flag('stderr', true) && !tty, tty }
  if (!streams.stdin && !streams.stdout && !streams.stderr) throw badRequest(`${what} needs at least one of stdin, stdout, stderr`)
  return streams
}

const streamNames = ['stdin', 'stdout', 'stderr', 'tty']
