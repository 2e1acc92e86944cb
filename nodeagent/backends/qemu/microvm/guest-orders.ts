import type { RunSpec } from '../../backend.js'

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What init.sh of a microVM is to run, as a script that it reads; it may hold secrets. Pure. */
export function guestOrders(run: Pick<RunSpec, 'spec' | 'env' | 'name'>): string {
  const [program = '', ...rest] = commandOf(run.spec)
  const env = { PATH: usualPath, HOME: '/root', ...run.env }
  return [
    `host_name=${quote(run.name)}`,
    `directory=${quote(run.spec.workingDir ?? '/')}`,
    `search_path=${quote(env.PATH)}`,
    `program=${quote(program)}`,
    `in_environment() { exec env -i ${Object.entries(env)
      .map(([name, value]) => quote(`${name}=${value}`))
      .join(' ')} "$@"; }`,
    `run_command() { in_environment ${[program, ...rest].map(quote).join(' ')}; }`,
    '',
  ].join('\n')
}

/** A command beside the task's, in its environment and directory, as a script. Pure. */
export function sessionScript(command: readonly string[], tty: boolean): string {
  const words = tty ? ['env', 'TERM=xterm', ...command] : command
  return `. /.millrace/orders\ncd "$directory"\nin_environment ${words.map(quote).join(' ')}\n`
}

export const commandOf = (spec: Pick<RunSpec['spec'], 'command' | 'args'>): string[] => [...(spec.command ?? []), ...(spec.args ?? [])]

/** A word of a shell's script that stands for itself, whatever is in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
