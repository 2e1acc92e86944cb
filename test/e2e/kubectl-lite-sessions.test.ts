/** exec, attach, cp and port-forward of kubectl-lite, as commands of their own process, with real processes at the other end. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import net from 'node:net'
import path from 'node:path'
import { Transform } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Vps } from '../../lib/api/kinds/vps.js'
import { writeKubeconfig } from '../../lib/client/kubeconfig/write-kubeconfig.js'
import { eventually } from '../../lib/testing/eventually.js'
import type { MachineBackend } from '../../nodeagent/backends/machine-backend.js'
import { pemOf } from './raw-upgrade.js'
import { type SessionBed, sessionBed } from './session-bed.js'

const root = path.resolve(import.meta.dirname, '../..')
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const wholeBytes = process.env.MILLRACE_TEST_LONG === '1' ? 100_000_000 : 10_000_000

let bed: SessionBed
let kubeconfig: string
let here: string
beforeAll(async () => {
  bed = await sessionBed(new Map([['qemu', machines]]))
  await bed.run('subject', ['sleep', '600'])
  kubeconfig = path.join(bed.folder, 'kubeconfig')
  here = path.join(bed.folder, 'here')
  await mkdir(here)
  const { ca, cert, key } = pemOf(bed.cluster.admin)
  const base64 = (pem: string) => Buffer.from(pem).toString('base64')
  await writeKubeconfig(kubeconfig, {
    clusters: [{ name: 'c', cluster: { server: bed.cluster.url, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'u', user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}, 60_000)
afterAll(() => bed[Symbol.asyncDispose](), 60_000)

/** A machine of any name, whose serial line asks who is there, and says what it was told in capitals. */
const machines = {
  name: 'qemu',
  observeMachines: async (_signal: AbortSignal, uid: string) => [{ uid, namespace: 'default', name: 'machine', state: 'running' }],
  openMachineConsole: async () => {
    const line = new Transform({ transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()) })
    line.push('login: ')
    return line
  },
} as unknown as MachineBackend

const argv = (words: readonly string[]) => ['--import', tsx, path.join(root, 'kubectl-lite/main.ts'), '--kubeconfig', kubeconfig, ...words]
const start = (...words: string[]) => spawn(process.execPath, argv(words), { cwd: here, stdio: 'pipe' })

async function kubectlLite(words: string[], input = '') {
  const child = start(...words)
  child.stdin.on('error', () => {}).end(input)
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ])
  return { out, err, code }
}

describe('exec', () => {
  it('passes both outputs, the input and the exit code through', async () => {
    expect(await kubectlLite(['exec', '-i', 'task/subject', '--', 'sh', '-c', 'cat; echo err >&2; exit 42'], 'hello\n')).toEqual({
      out: 'hello\n',
      err: 'err\ncommand terminated with exit code 42\n',
      code: 42,
    })
  })

  it.each([
    [['exec', 'subject'], 2, 'say what to run, after --'],
    [['exec', 'absent', '--', 'true'], 3, 'tasks.millrace.dev "absent" not found'],
    [['exec', 'nodes/n1', '--', 'true'], 2, 'nodes/n1 has no exec'],
    [['cp', 'a', 'b'], 2, 'name exactly one side as TASK:PATH'],
    [['cp', 'absent-here', 'subject:/tmp'], 2, 'absent-here is not there'],
    [['cp', 'subject:/no/such/file', '.'], 1, "the Task's tar ended with code"],
    [['port-forward', 'subject', '0'], 2, '"0" is no pair of ports'],
  ])('%j fails with code %i: %s', async (words, code, why) => {
    const ended = await kubectlLite(words)
    expect(ended.err).toContain(why)
    expect(ended.code).toBe(code)
  })

  it('has a terminal under a terminal', async () => {
    // As with kubectl, its size comes on the way: a command may have begun before.
    const command = 'test -t 0 && until [ "$(stty size)" != "24 80" ]; do sleep 0.1; done; echo "a $(stty size) tty"; exit 9'
    const line = [process.execPath, ...argv(['exec', '-it', 'subject', '--', 'sh', '-c', command])]
    const script = spawn(
      'script',
      ['-qec', `stty rows 35 cols 75; ${line.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}`, '/dev/null'],
      { cwd: here, stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const [out, code] = await Promise.all([text(script.stdout), new Promise((resolve) => script.once('close', resolve))])
    expect(out).toContain('a 35 75 tty')
    expect(code).toBe(9)
  })

  it('ends the command at Ctrl-C', async () => {
    const child = start('exec', 'subject', '--', 'sh', '-c', 'echo $$; exec sleep 600')
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    await eventually(() => expect(said).toMatch(/^\d+\n/))
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    await eventually(() => expect(() => process.kill(Number(said), 0)).toThrow())
  })
})

describe('the name of a Vps alone', () => {
  beforeAll(() => bed.cluster.client.of(Vps).create({ metadata: { name: 'box' }, spec: { image: 'debian', nodeName: 'n1' } }))

  it.each([
    ['exec', 'box', '--', 'true'],
    ['logs', 'box'],
  ])('is that of no Task, and what there is is said: %s', async (...words) => {
    const { err, code } = await kubectlLite(words)
    expect([err, code]).toEqual(['error: tasks.millrace.dev "box" not found; there is vps/box\n', 3])
  })
})

describe('console', () => {
  it('is the serial line of a machine from its first byte on, until Ctrl-]', async () => {
    const vpses = bed.cluster.client.of(Vps)
    await vpses.create({ metadata: { name: 'machine' }, spec: { backend: 'qemu', image: 'debian', nodeName: 'n1' } })
    await vpses.mergePatch(
      { name: 'machine' },
      { status: { phase: 'Running', startedAt: '2026-01-01T00:00:00Z' } },
      { subresource: 'status' },
    )
    const child = start('console', 'vps/machine')
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
    await eventually(() => expect(said).toBe('login: '))
    child.stdin.write('root')
    await eventually(() => expect(said).toBe('login: ROOT'))
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.stdin.write('\u001d')
    expect(await ended).toBe(0)
    expect(said).toBe('login: ROOT')
  })
})

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('cp', () => {
  it('copies a large file whole, to the Task and back', async () => {
    const bytes = randomBytes(wholeBytes)
    await writeFile(path.join(here, 'large'), bytes)
    const there = path.join(bed.folder, 'there')
    expect(await kubectlLite(['cp', 'large', `subject:${there}`])).toEqual({ out: '', err: '', code: 0 })
    expect(digest(await readFile(there))).toBe(digest(bytes))
    expect(await kubectlLite(['cp', `subject:${there}`, 'back'])).toEqual({ out: '', err: '', code: 0 })
    expect(digest(await readFile(path.join(here, 'back')))).toBe(digest(bytes))
  }, 240_000)

  it('copies a folder with what is in it, into one that is there or as a new one', async () => {
    await mkdir(path.join(here, 'tree/deep/empty'), { recursive: true })
    await writeFile(path.join(here, 'tree/deep/run.sh'), 'echo hi\n')
    await chmod(path.join(here, 'tree/deep/run.sh'), 0o755)
    await symlink('deep/run.sh', path.join(here, 'tree/link'))
    const there = path.join(bed.folder, 'folder')
    await mkdir(there)
    expect((await kubectlLite(['cp', 'tree', `subject:${there}`])).err).toBe('')
    expect(await readdir(path.join(there, 'tree'))).toEqual(['deep', 'link'])
    expect((await kubectlLite(['cp', './tree', `subject:${there}/other`])).err).toBe('')
    expect((await stat(path.join(there, 'other/deep/run.sh'))).mode & 0o777).toBe(0o755)
    const back = await kubectlLite(['cp', `subject:${there}/tree`, 'copy'])
    expect(back).toEqual({ out: '', err: 'skipped "tree/link": it is a SymbolicLink, and only files and folders are copied\n', code: 0 })
    expect(await readdir(path.join(here, 'copy/deep'))).toEqual(['empty', 'run.sh'])
  })

  it('lets no archive of a hostile Task out of its target', async () => {
    const evil = path.join(bed.folder, 'evil')
    await mkdir(path.join(evil, 'bin'), { recursive: true })
    await writeFile(path.join(here, 'victim'), 'untouched')
    await mkdir(path.join(here, 'target/x'), { recursive: true })
    await symlink(here, path.join(here, 'target/x/mine'))
    // What it would take: links out, paths that climb, absolute paths, other names, a link of ours, a device, setuid.
    const archive = path.join(evil, 'archive.tar')
    const make = `
import tarfile, io
t = tarfile.open(${JSON.stringify(archive)}, 'w')
def add(name, kind=tarfile.REGTYPE, link='', mode=0o4777):
    i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.mode = mode
    data = b'evil' if kind == tarfile.REGTYPE else b''
    i.size = len(data); t.addfile(i, io.BytesIO(data))
add('x/out', tarfile.SYMTYPE, ${JSON.stringify(here)}); add('x/out/victim'); add('x/hard', tarfile.LNKTYPE, ${JSON.stringify(path.join(here, 'victim'))})
add('../victim'); add('x/../../victim'); add(${JSON.stringify(path.join(here, 'victim'))}); add('y'); add('x/mine/victim'); add('x/fifo', tarfile.FIFOTYPE); add('x/good')
t.close()`
    const made = await new Promise((resolve) => spawn('python3', ['-c', make]).once('close', resolve))
    expect(made).toBe(0)
    await writeFile(path.join(evil, 'bin/tar'), `#!/bin/sh\nexec cat ${archive}\n`, { mode: 0o755 })
    await bed.run('hostile', ['sleep', '600'], { PATH: `${evil}/bin:${process.env.PATH}` })
    const { err, code } = await kubectlLite(['cp', 'hostile:/x', 'fresh'])
    expect(code).toBe(0)
    expect(err.match(/^skipped/gm)).toHaveLength(7)
    expect(await readFile(path.join(here, 'victim'), 'utf8')).toBe('untouched')
    expect(await readdir(path.join(here, 'fresh'))).toEqual(['good', 'mine', 'out'])
    expect((await stat(path.join(here, 'fresh/good'))).mode & 0o7777).toBe(0o755)
    const intoTarget = await kubectlLite(['cp', 'hostile:/x', 'target'])
    expect(intoTarget.err).toContain('a link that lies in its way here is not followed')
    expect(await readFile(path.join(here, 'victim'), 'utf8')).toBe('untouched')
  })
})

describe('attach and port-forward', () => {
  it('attach shows what is said, to its end', async () => {
    await bed.run('short', ['sh', '-c', 'until [ -e "$HOME/say" ]; do echo tick; sleep 0.1; done; echo out; echo err >&2'])
    const child = start('attach', 'short')
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    const ended = Promise.all([text(child.stderr), new Promise((resolve) => child.once('close', resolve))])
    await eventually(() => expect(out).toContain('tick'))
    await writeFile(path.join(bed.folder, 'say'), '')
    expect(await ended).toEqual(['err\n', 0])
    expect(out).toMatch(/^(tick\n)+out\n$/)
  })

  it('port-forward --udp gives each peer here its own answers', async () => {
    const server = `const s = require('node:dgram').createSocket('udp4'); s.on('message', (m, r) => s.send(r.port + ':' + m, r.port, r.address)).bind(0, '127.0.0.1', () => require('node:fs').writeFileSync(process.env.HOME + '/udp', String(s.address().port)))`
    await bed.run('datagrams', [process.execPath, '-e', server])
    const port = await eventually(async () => {
      const said = await readFile(path.join(bed.folder, 'udp'), 'utf8')
      expect(said).toMatch(/^\d+$/)
      return Number(said)
    })
    const child = start('port-forward', '--udp', 'datagrams', `:${port}`)
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    const local = await eventually(() => Number(/Forwarding datagrams from 127\.0\.0\.1:(\d+) -> /.exec(out)?.[1] ?? expect.fail(out)))
    const ask = (said: string) => {
      const socket = createSocket('udp4')
      return new Promise<string>((resolve) => {
        socket.once('message', (answer) => {
          socket.close()
          resolve(String(answer))
        })
        socket.send(said, local, '127.0.0.1')
      })
    }
    const answers = await Promise.all(['a', 'b', 'c'].map(ask))
    expect(answers.map((answer) => answer.split(':')[1])).toEqual(['a', 'b', 'c'])
    expect(new Set(answers.map((answer) => answer.split(':')[0])).size).toBe(3)
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    expect(await ended).toBe(130)
  })

  it('port-forward leads many connections to the Task, and says why one fails', async () => {
    const server = `require('node:net').createServer({ allowHalfOpen: true }, (s) => s.pipe(s)).listen(0, '127.0.0.1', function () { require('node:fs').writeFileSync(process.env.HOME + '/port', String(this.address().port)) })`
    await bed.run('echo', [process.execPath, '-e', server])
    const port = await eventually(async () => {
      const said = await readFile(path.join(bed.folder, 'port'), 'utf8')
      expect(said).toMatch(/^\d+$/)
      return Number(said)
    })
    const child = start('port-forward', 'echo', `:${port}`, ':1')
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    await eventually(() => expect(out.match(/Forwarding from/g)).toHaveLength(2))
    const localOf = (remote: number) => Number(new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${remote}\\n`).exec(out)?.[1])
    const ask = async (said: string) => {
      const socket = net.connect({ port: localOf(port), host: '127.0.0.1', allowHalfOpen: true })
      socket.end(said)
      return text(socket)
    }
    const all = Array.from({ length: 30 }, (_, index) => `connection ${index} ${'x'.repeat(40_000)}`)
    expect(await Promise.all(all.map(ask))).toEqual(all)
    const bad = net.connect({ port: localOf(1), host: '127.0.0.1' })
    await new Promise((resolve) =>
      bad
        .on('error', () => {})
        .resume()
        .once('close', resolve),
    )
    await eventually(() => expect(err).toContain('nothing of the task listens on port 1'))
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    expect(await ended).toBe(130)
  })
})
