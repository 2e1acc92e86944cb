/** `ssh`: logs in to a Vps at the gateway with the ssh of this machine, which is told where, as whom, and which host key to expect. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import path from 'node:path'
import { Vps } from '../../lib/api/kinds/vps.js'
import type { DefineCommand } from '../cli/cli.js'
import { ExitError, RemoteExit, UsageError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import { parseDuration } from '../cli/timeout.js'
import { findTargets } from '../cluster/target-objects.js'
import { awaitMachine } from '../sessions/await-machine.js'
import { sshKeyFile } from '../sessions/ssh-key-file.js'

interface Flags {
  readonly identity?: string
  readonly timeout: number
}

export const ssh: DefineCommand = (command, cli) => {
  command
    .argument('<vps>', 'vps/NAME or NAME')
    .argument('[words...]', 'after --: a command to run instead of a shell')
    .option('-i, --identity <file>', 'the private key (default: that which create vps --ssh generate wrote, else what ssh finds)')
    .option('--timeout <duration>', 'how long one that is on its way is waited for; 0 waits until Ctrl-C', parseDuration, 300_000)
    .addHelpText('after', '\nExamples: kubectl-lite ssh vps/dev\n          kubectl-lite ssh vps/dev -- uname -a')
    .action(async (word: string, words: string[], flags: Flags) => {
      const { io } = cli
      const cluster = await cli.connect()
      const [target] = await findTargets(cluster, [word.includes('/') ? word : `vps/${word}`], {}, io)
      if (target?.resource.plural !== Vps.plural) throw new UsageError(`${word} takes no SSH: a Vps does, as vps/NAME`)
      const vps = await awaitMachine(cluster, target, io, flags.timeout)
      const { host, port, user, hostKey } = loginOf(vps)
      const made = sshKeyFile(io, { namespace: cluster.namespace, name: target.name })
      const identity = flags.identity ?? (existsSync(made) ? made : undefined)
      const folder = await mkdtemp(path.join(tmpdir(), 'kubectl-lite-ssh-'))
      try {
        const knownHosts = path.join(folder, 'known_hosts')
        await writeFile(knownHosts, `${hostKey}\n`, { mode: 0o600 })
        const pinned = ['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'GlobalKnownHostsFile=/dev/null', '-o', 'StrictHostKeyChecking=yes']
        const key = identity === undefined ? [] : ['-i', path.resolve(io.cwd, identity)]
        const code = await runSsh(
          ['-p', String(port), ...pinned, ...key, '-l', user, host, ...(words.length > 0 ? ['--', ...words] : [])],
          io,
        )
        if (code === 255 && identity === undefined && vps.spec.ssh.mode === 'generate') io.err(whereKeyIs(vps, made))
        if (code !== 0) throw new RemoteExit(code, '')
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })
}

/** What the gateway has said about it. Throws ExitError while nobody can log in. */
export function loginOf({ metadata, spec, status }: Vps): { host: string; port: number; user: string; hostKey: string } {
  const subject = `vps/${metadata.name}`
  if (spec.ssh.mode === 'disabled')
    throw new ExitError('failed', `${subject} lets nobody in by SSH: set spec.ssh.mode to keys or generate, or use exec`)
  const [, port, user, host] = /^ssh (?:-p (\d+) )?([a-z0-9.-]+)@(\[?[A-Za-z0-9.:-]+\]?)$/.exec(status?.sshCommand ?? '') ?? []
  if (!user || !host || !status?.sshHostKey)
    throw new ExitError('failed', `no gateway has said how to log in to ${subject} yet: is one running?`)
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? 22), user, hostKey: status.sshHostKey }
}

/** For who was refused, and whose machine has no copy of the key that was made. */
function whereKeyIs({ metadata: { name }, spec: { ssh } }: Vps, file: string): string {
  const secret = ssh.secretName ?? `${name}-ssh`
  return `The key that was made for vps/${name} is in Secret ${secret}, and not on this machine:\n  (umask 077; kubectl-lite get secret ${secret} -o jsonpath='{.data.ssh-privatekey}' | base64 -d > ${file})\n`
}

/** Its terminal and its outputs are ours. Resolves with its exit code. */
function runSsh(args: readonly string[], io: Io): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', args, { stdio: 'inherit', env: { ...io.env } })
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new ExitError('failed', 'there is no ssh on this machine: install openssh-client') : error),
    )
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}
