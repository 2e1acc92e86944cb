import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { userInfo } from 'node:os'
import path from 'node:path'
import { freePort } from '../../processes/free-port.js'
import { type Bench, until } from '../measure.js'

const server = '/usr/sbin/sshd'

/** `ssh -L` to a server of its own. Resolves with the port to connect to; undefined where OpenSSH is not installed. */
export async function startSshForward(bench: Bench, targetPort: number): Promise<number | undefined> {
  if (!existsSync(server)) return undefined
  const folder = path.join(bench.directory, 'ssh')
  mkdirSync(folder, { mode: 0o700 })
  // The server's own, which packages make at boot.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  for (const key of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, key)])
  const [serverPort, port] = [await freePort(), await freePort()]
  writeFileSync(
    path.join(folder, 'config'),
    [
      `ListenAddress 127.0.0.1:${serverPort}`,
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/user.pub`,
      `PidFile ${folder}/pid`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
    ].join('\n'),
  )
  const start = (command: string, args: string[]) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore'] })
    bench.defer(() => void child.kill())
  }
  start(server, ['-D', '-f', path.join(folder, 'config')])
  await until('the SSH server', 30_000, () => canConnect(serverPort))
  const options = ['StrictHostKeyChecking=no', `UserKnownHostsFile=${folder}/known`, 'IdentitiesOnly=yes', 'LogLevel=ERROR']
  start('ssh', [
    ...['-N', '-F', 'none', '-i', path.join(folder, 'user'), '-p', String(serverPort)],
    ...options.flatMap((option) => ['-o', option]),
    ...['-L', `127.0.0.1:${port}:127.0.0.1:${targetPort}`, `${userInfo().username}@127.0.0.1`],
  ])
  await until('the forward of ssh', 30_000, () => canConnect(port))
  return port
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
