import { type Logger as PinoLogger, pino } from 'pino'

/** A structured logger: `log.info({ task: 'default/hello' }, 'bound')`. Secret values and tokens are never passed to it. */
export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'isLevelEnabled'> & {
  child(bindings: Record<string, unknown>): Logger
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines on standard error, each with the program's name. */
export function createLogger(options: { program: string; level?: LogLevel }): Logger {
  return pino(
    { name: options.program, level: options.level ?? 'info', base: { program: options.program }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  )
}

/** A logger that says nothing. */
export const silentLogger: Logger = pino({ level: 'silent' })
