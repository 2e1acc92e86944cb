/** What a machine can put in the way of who shows its files; the processes here are no containers, and as good as their first ones. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { findScript } from '../../find-script.js'
import { SftpProbe, text } from '../../fixtures/sftp-probe.js'

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

async function folderIn(parent: string): Promise<string> {
  const folder = await mkdtemp(path.join(parent, 'mr-sftp-'))
  ending.push(() => rm(folder, { recursive: true }))
  return folder
}

function started(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  ending.push(() => child.kill('SIGKILL'))
  return child
}

/** The files of a process, by a server that has little memory. */
async function filesOf({ pid }: ChildProcess): Promise<SftpProbe> {
  const server = started('sh', ['-c', 'ulimit -v 400000; exec perl "$@"', 'sh', findScript('docker/sessions/sftp.pl'), String(pid), ':'])
  const { stdin, stdout } = server
  if (!stdin || !stdout) throw new Error('it has pipes')
  const said = await new Promise((resolve) => stdout.once('data', resolve).once('close', () => resolve('nothing')))
  expect(String(said)).toBe('connected\n')
  const sftp = new SftpProbe(Duplex.from({ readable: stdout, writable: stdin }))
  expect(await sftp.init()).toBe(3)
  return sftp
}

describe.skipIf(process.getuid?.() !== 0)('files are shown', () => {
  it('whatever size the list of users has', async () => {
    const root = await folderIn(tmpdir())
    for (const name of ['bin', 'etc', 'root']) await mkdir(path.join(root, name))
    await copyFile('/bin/busybox', path.join(root, 'bin/sleep'))
    const users = await open(path.join(root, 'etc/passwd'), 'w')
    await users.write('root:x:0:0:root:/root:/bin/sh\n')
    await users.truncate(2 * 1024 ** 3)
    await users.close()
    const sftp = await filesOf(started('chroot', [root, '/bin/sleep', '600']))
    await sftp.write('here', Buffer.from('x'))
    expect(await sftp.list('/root')).toContain('here')
  })

  it('and a path is made whole at once, or refused', async () => {
    const sftp = await filesOf(started('sleep', ['600']))
    const status = async (path: string) => {
      const answer = await sftp.ask(16, text(path))
      return [answer[0], answer.readUInt32BE(5)]
    }
    expect(await status('/tmp/../proc')).toEqual([104, 1])
    expect(await status('a/'.repeat(100_000) + '../'.repeat(30_000))).toEqual([101, 4])
  })

  it('whatever time they have', async () => {
    const folder = await folderIn('/dev/shm')
    await writeFile(path.join(folder, 'old'), '')
    execFileSync('touch', ['-d', '@9000000000000000000', path.join(folder, 'old')])
    const sftp = await filesOf(started('sleep', ['600']))
    expect(await sftp.list(folder)).toContain('old')
  })
})
