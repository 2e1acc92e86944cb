/** exec, attach, cp and port-forward of plain kubectl, 1.29 to 1.33, with the Pod that a Task is seen as. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeKubeconfig } from '../../lib/client/kubeconfig/write-kubeconfig.js'
import { eventually } from '../../lib/testing/eventually.js'
import { pemOf } from '../e2e/raw-upgrade.js'
import { type SessionBed, sessionBed } from '../e2e/session-bed.js'
import { findKubectls, isLeftOut } from './kubectls.js'

const wholeBytes = process.env.MILLRACE_TEST_LONG === '1' ? 100_000_000 : 5_000_000

let bed: SessionBed
let env: NodeJS.ProcessEnv
let port: number
beforeAll(async () => {
  bed = await sessionBed()
  await bed.run('subject', ['sh', '-c', 'while :; do echo tick; sleep 0.2; done'])
  const echo = `require('node:net').createServer({ allowHalfOpen: true }, (s) => s.pipe(s)).listen(0, '127.0.0.1', function () { require('node:fs').writeFileSync(process.env.HOME + '/port', String(this.address().port)) })`
  await bed.run('echo', [process.execPath, '-e', echo])
  port = await eventually(async () => {
    const said = await readFile(path.join(bed.folder, 'port'), 'utf8')
    expect(said).toMatch(/^\d+$/)
    return Number(said)
  })
  const kubeconfig = path.join(bed.folder, 'kubeconfig')
  const { ca, cert, key } = pemOf(bed.cluster.admin)
  const base64 = (pem: string) => Buffer.from(pem).toString('base64')
  await writeKubeconfig(kubeconfig, {
    clusters: [{ name: 'c', cluster: { server: bed.cluster.url, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'u', user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
  env = { ...process.env, KUBECONFIG: kubeconfig, HOME: bed.folder }
}, 60_000)
afterAll(() => bed[Symbol.asyncDispose](), 60_000)

describe.skipIf(isLeftOut).each(findKubectls())('kubectl $version', ({ version, file }) => {
  const start = (...words: string[]) => spawn(file, words, { cwd: bed.folder, env, stdio: 'pipe' })

  async function kubectl(words: string[], input = '') {
    const child = start(...words)
    child.stdin.on('error', () => {}).end(input)
    const [out, err, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise((resolve) => child.once('close', resolve)),
    ])
    return { out, err, code }
  }

  it('exec passes both outputs, the input and the exit code through', async () => {
    expect(await kubectl(['exec', '-i', 'subject', '--', 'sh', '-c', 'cat; echo err >&2; exit 42'], 'hello\n')).toEqual({
      out: 'hello\n',
      err: 'err\ncommand terminated with exit code 42\n',
      code: 42,
    })
    expect(await kubectl(['exec', 'subject', '-c', 'main', '--', 'true'])).toEqual({ out: '', err: '', code: 0 })
  })

  it('exec -it has a terminal under a terminal', async () => {
    const line = `stty rows 35 cols 75; '${file}' exec -it subject -- sh -c 'test -t 0 && until [ "$(stty size)" = "35 75" ]; do sleep 0.1; done; echo sized; exit 9'`
    const script = spawn('script', ['-qec', line, '/dev/null'], { cwd: bed.folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
    const [out, code] = await Promise.all([text(script.stdout), new Promise((resolve) => script.once('close', resolve))])
    expect(out).toContain('sized')
    expect(code).toBe(9)
  })

  it('attach shows what the Task says', async () => {
    const child = start('attach', 'subject')
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    await eventually(() => expect(out).toContain('tick\ntick\n'))
    child.kill('SIGKILL')
  })

  it('cp copies a file whole, both ways', async () => {
    const bytes = randomBytes(wholeBytes)
    const folder = path.join(bed.folder, `there-${version}`)
    await mkdir(folder)
    await writeFile(path.join(bed.folder, 'large'), bytes)
    expect((await kubectl(['cp', 'large', `subject:${folder}/large`])).code).toBe(0)
    expect(digest(await readFile(path.join(folder, 'large')))).toBe(digest(bytes))
    expect((await kubectl(['cp', `subject:${folder}/large`, `back-${version}`])).code).toBe(0)
    expect(digest(await readFile(path.join(bed.folder, `back-${version}`)))).toBe(digest(bytes))
  }, 240_000)

  it('port-forward carries many connections', async () => {
    const child = start('port-forward', 'pod/echo', `:${port}`)
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    await eventually(() => expect(out).toMatch(/Forwarding from 127.0.0.1:\d+/))
    const local = Number(/127\.0\.0\.1:(\d+)/.exec(out)?.[1])
    const ask = (said: string) => {
      const socket = net.connect({ port: local, host: '127.0.0.1', allowHalfOpen: true })
      socket.end(said)
      return text(socket)
    }
    const all = Array.from({ length: 30 }, (_, index) => `connection ${index} ${'x'.repeat(40_000)}`)
    expect(await Promise.all(all.map(ask))).toEqual(all)
    child.kill('SIGKILL')
  })
})

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
