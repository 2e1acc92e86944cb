/** `exec`: a command inside of a running Task, with this terminal, and its exit code as ours. */
import type { DefineCommand } from '../cli/cli.js'
import { RemoteExit, UsageError } from '../cli/exit-code.js'
import { findTask } from '../sessions/find-task.js'
import { runInTask } from '../sessions/run-in-task.js'

interface Flags {
  readonly stdin?: boolean
  readonly tty?: boolean
}

export const exec: DefineCommand = (command, cli) => {
  command
    .argument('<task>', 'NAME, task/NAME, vps/NAME, or deployment/NAME for one of its Tasks')
    .argument('[words...]', 'after --: the command and its arguments')
    .option('-i, --stdin', 'pass standard input on')
    .option('-t, --tty', 'give the command a terminal; standard input must be one')
    .addHelpText('after', '\nExamples: kubectl-lite exec hello -- ls -l\n          kubectl-lite exec -it hello -- sh')
    .action(async (word: string, words: string[], flags: Flags) => {
      if (words.length === 0) throw new UsageError(`say what to run, after --: kubectl-lite exec ${word} -- ls -l`)
      const { io } = cli
      const terminal = flags.tty ? io.inputTerminal : undefined
      if (flags.tty && !terminal) io.err('Unable to use a TTY - input is not a terminal\n')
      const cluster = await cli.connect()
      const address = await findTask(cluster, word, 'exec', io)
      const near = { input: flags.stdin ? io.inputBytes() : undefined, terminal, out: io.outBytes, err: io.errBytes }
      const exitCode = await runInTask(cluster, address, words, near, io.signal)
      if (exitCode !== 0) throw new RemoteExit(exitCode, `command terminated with exit code ${exitCode}`)
    })
}
