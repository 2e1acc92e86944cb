/** The exit codes of kubectl-lite; docs/exit-codes.md shows this table, and a test compares the two. */
import { ApiError, isWaitingToStart } from '../../lib/api/api-error.js'
import { ConnectionError } from '../../lib/client/client.js'
import { KubeconfigError } from '../../lib/client/kubeconfig/kubeconfig.js'

export const exitCodes = {
  done: { code: 0, meaning: 'Done.' },
  failed: { code: 1, meaning: 'A failure that no other code names. For `diff`: there are differences.' },
  usage: { code: 2, meaning: 'The command line is wrong: an unknown command, flag, kind or context, or a missing argument.' },
  notFound: { code: 3, meaning: 'The object does not exist.' },
  conflict: { code: 4, meaning: 'The object exists already, or was changed by somebody else meanwhile.' },
  denied: { code: 5, meaning: 'The server does not know who asks, or does not permit it.' },
  invalid: { code: 6, meaning: 'The manifest or the request is not valid.' },
  timedOut: { code: 7, meaning: 'What was waited for did not come in time.' },
  noAnswer: { code: 8, meaning: 'No answer came from the server. A write may or may not have happened.' },
  broken: { code: 9, meaning: '`diff` itself failed for a reason that no other code names.' },
  interrupted: { code: 130, meaning: 'Ended by Ctrl-C or SIGTERM.' },
} as const satisfies Record<string, { code: number; meaning: string }>

export type ExitName = keyof typeof exitCodes

/** The command line is wrong. The message says how, and what was perhaps meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Ends the command with this exit code after it has said all there is to say; `message` is printed when it is not empty. */
export class ExitError extends Error {
  override readonly name = 'ExitError'
  readonly exit: ExitName

  constructor(exit: ExitName, message = '') {
    super(message)
    this.exit = exit
  }
}

/** A command that ran elsewhere ended with this code, and so does ours; `message` is printed when it is not empty. */
export class RemoteExit extends Error {
  override readonly name = 'RemoteExit'

  constructor(
    readonly code: number,
    message = '',
  ) {
    super(message)
  }
}

/** The exit code that an error stands for. */
export function exitOf(error: unknown): ExitName {
  if (error instanceof ExitError) return error.exit
  if (error instanceof UsageError || error instanceof KubeconfigError) return 'usage'
  if (error instanceof ConnectionError) return 'noAnswer'
  if (!(error instanceof ApiError)) return 'failed'
  switch (error.reason) {
    case 'NotFound':
      return 'notFound'
    case 'AlreadyExists':
    case 'Conflict':
      return 'conflict'
    case 'Unauthorized':
    case 'Forbidden':
      return 'denied'
    case 'Invalid':
    case 'BadRequest':
    case 'UnsupportedMediaType':
      return isWaitingToStart(error) ? 'failed' : 'invalid'
    case 'Timeout':
      return 'timedOut'
    default:
      return 'failed'
  }
}
