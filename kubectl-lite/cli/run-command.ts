/**
 * Runs one command line and returns its exit code. Only the module of the command that is asked for is loaded.
 *
 *     const exitCode = await runCommand(['get', 'tasks'], io)
 */
import { Command, CommanderError } from 'commander'
import { openCluster } from '../cluster/cluster.js'
import type { Cli, GlobalFlags } from './cli.js'
import { commandTable } from './command-table.js'
import { exitCodes, exitOf, RemoteExit } from './exit-code.js'
import type { ByteIo } from './io.js'
import { reportError } from './report-error.js'

export async function runCommand(argv: readonly string[], io: ByteIo): Promise<number> {
  const closers: (() => Promise<void>)[] = []
  let program: Command | undefined
  try {
    program = await buildProgram(argv, io, closers)
    if (argv.length === 0) {
      await io.out(program.helpInformation())
      return exitCodes.done.code
    }
    await program.parseAsync([...argv], { from: 'user' })
    return io.signal.aborted ? exitCodes.interrupted.code : exitCodes.done.code
  } catch (error) {
    if (io.signal.aborted) return exitCodes.interrupted.code
    if (error instanceof CommanderError && program) {
      if (error.exitCode === 0) return exitCodes.done.code
      if (error.code !== 'commander.help') io.err(await withHint(`${error.message}\n`, program, argv))
      return exitCodes.usage.code
    }
    if (error instanceof RemoteExit) {
      if (error.message !== '') io.err(`${error.message}\n`)
      return error.code
    }
    await reportError(error, io)
    return exitCodes[exitOf(error)].code
  } finally {
    await Promise.all(closers.map((close) => close()))
  }
}

/** The grammar, with the details of the commands that `argv` names; of those alone when it begins with one. */
async function buildProgram(argv: readonly string[], io: ByteIo, closers: (() => Promise<void>)[] = []): Promise<Command> {
  const program = new Command('kubectl-lite')
  program
    .description('The client of Millrace: a Kubernetes-style control plane. kubectl works too.')
    .option('--kubeconfig <file>', 'the kubeconfig to use (default: $KUBECONFIG, then ~/.kube/config, then the default cluster)')
    .option('--context <name>', 'the context of the kubeconfig to use')
    .option('-n, --namespace <name>', "the namespace (default: the context's)")
    .option('--as <user>', 'ask as somebody else, where you may: a user, or system:serviceaccount:NAMESPACE:NAME')
    .option('--as-group <group>', 'with this group; may be given again', (group: string, before: string[] = []) => [...before, group])
    .option('--as-uid <uid>', 'with this uid')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.out(text),
      writeErr: (text) => io.err(text),
      // Told where the error is caught: the hint to it is loaded then.
      outputError: () => {},
    })
    .addHelpText('after', '\n`kubectl-lite COMMAND --help` says more. Exit codes are in docs/exit-codes.md.')
  const cli: Cli = {
    io,
    get flags() {
      return program.opts<GlobalFlags>()
    },
    async connect() {
      const cluster = await openCluster(program.opts<GlobalFlags>(), io)
      closers.push(() => cluster.client.close())
      return cluster
    },
  }
  const wanted = new Set(argv)
  // Once the command is clear, the others are nothing but work.
  const isClear = commandTable.some(({ name }) => name === argv[0])
  for (const { name, summary, group, load } of commandTable) {
    if (isClear && !wanted.has(name)) continue
    const command = program.command(name).description(summary).helpGroup(`${group}:`).copyInheritedSettings(program)
    if (wanted.has(name)) (await load())(command, cli)
    else command.allowUnknownOption().allowExcessArguments()
  }
  return program
}

/** Says what was perhaps meant where commander does not: it suggests a flag for `--outptu json`, and none for `--outptu=json`. */
async function withHint(text: string, program: Command, argv: readonly string[]): Promise<string> {
  const [called, word = ''] = [commandOf(program, argv[0]), argv[1]]
  const makes = called?.commands.flatMap((command) => [command.name(), ...command.aliases()]) ?? []
  if (called && takesFiles(called) && makes.length > 0 && /^[a-z]+$/.test(word) && !makes.includes(word)) {
    const { didYouMean } = await import('./did-you-mean.js')
    const meant = kubernetesWords[word] ? ` ${kubernetesWords[word]}` : didYouMean(word, makes)
    return `error: ${called.name()} makes no "${word}" of arguments.${meant}\n(kubectl-lite ${called.name()} --help lists what it makes; files are named with -f)\n`
  }
  if (/^error: unknown command [^\n]*\n$/.test(text)) return `${text}(kubectl-lite --help lists the commands)\n`
  if (text.startsWith("error: unknown option '--version'")) return `${text.trimEnd()}\n(Did you mean kubectl-lite version?)\n`
  const [, excess] = /^error: too many arguments for '(\w+)'/.exec(text) ?? []
  const filed = commandOf(program, excess)
  if (filed && takesFiles(filed)) {
    const kinds = filed.commands.length > 0 ? `; kubectl-lite ${excess} --help lists what needs none` : ''
    return `${text.trimEnd()}\n(Files are named with -f: kubectl-lite ${excess} -f FILE${kinds})\n`
  }
  const [, flag] = /^error: unknown option '(--[^'=]+)=/.exec(text) ?? []
  if (flag === undefined || text.includes('(Did you mean')) return text
  const known = withCommands(program).flatMap((command) => command.options.flatMap((option) => option.long ?? []))
  const { nearestWord } = await import('./did-you-mean.js')
  const meant = nearestWord(flag, known)
  return meant === undefined ? text : `${text.trimEnd()}\n(Did you mean ${meant}?)\n`
}

const commandOf = (program: Command, name: string | undefined) => program.commands.find((command) => command.name() === name)
const takesFiles = (command: Command): boolean => command.options.some(({ short }) => short === '-f')
const withCommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withCommands)]

/** What hands that know Kubernetes ask `create` for, and what does it here. */
const kubernetesWords: Readonly<Record<string, string>> = {
  cronjob: 'Did you mean "crontask"?',
  job: 'Did you mean "task" (--from=crontask/NAME), or kubectl-lite run?',
  pod: 'Did you mean kubectl-lite run?',
}
