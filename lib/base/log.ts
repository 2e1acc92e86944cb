import { type Logger as PinoLogger, pino } from 'pino'

/** A structured logger: `log.info({ task: 'default/hello' }, 'bound')`. Secret values and tokens are never passed to it. */
export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'isLevelEnabled'> & {
  child(bindings: Record<string, unknown>): Logger
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines, each with the program's name; on standard error unless said otherwise. */
export function createLogger(options: { program: string; level?: LogLevel; output?: { write(line: string): void } }): Logger {
  const { program, level = 'info', output = pino.destination({ fd: 2, sync: true }) } = options
  const serializers = { err: printError }
  return pino({ level, base: { program }, timestamp: pino.stdTimeFunctions.isoTime, serializers }, output)
}

/** Failures that their message explains: where in the code they were noticed tells nobody anything. */
const explained: ReadonlySet<string> = new Set(['ApiError', 'ConnectionError', 'TerminalError'])

function printError(error: unknown): unknown {
  if (!(error instanceof Error) || !explained.has(error.name)) return error instanceof Error ? pino.stdSerializers.err(error) : error
  const { name: type, message, cause } = error
  const { reason, code } = error as { reason?: unknown; code?: unknown }
  const because = cause instanceof Error ? { cause: cause.message } : {}
  return { type, ...(reason === undefined ? {} : { reason }), ...(code === undefined ? {} : { code }), message, ...because }
}

/** A logger that says nothing. */
export const silentLogger: Logger = pino({ level: 'silent' })
