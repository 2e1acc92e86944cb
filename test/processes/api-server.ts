/** The built API server as users run it: a process of its own, TLS, authentication, authorization and validation on. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { parse as parseYaml } from 'yaml'
import { openConnection, type Target } from './connection.js'
import { freePort } from './free-port.js'
import type { Owner } from './owner.js'
import { type Program, startProgram } from './program.js'

export interface ApiServer extends Program {
  readonly target: Target
  readonly directory: string
  /** The administrator's. */
  readonly kubeconfig: string
}

/** Starts the server and waits until it is ready. `directory` of an earlier one starts that cluster again. */
export async function startApiServer(owner: Owner, options: { directory?: string; port?: number } = {}): Promise<ApiServer> {
  const directory = options.directory ?? path.join(owner.directory, `cluster-${randomUUID().slice(0, 8)}`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const port = options.port ?? (await freePort())
  const args = ['--data-dir', directory, '--port', String(port)]
  const program = startProgram(owner, 'apiserver/main.js', args, path.join(directory, 'apiserver.log'))
  const kubeconfig = path.join(directory, 'admin.kubeconfig')
  const target = await waitUntilReady(kubeconfig, port, program)
  return Object.assign(program, { target, directory, kubeconfig })
}

async function waitUntilReady(kubeconfig: string, port: number, program: Program): Promise<Target> {
  const deadline = performance.now() + 90_000
  for (;;) {
    if (program.hasEnded) throw new Error(`the API server ended; see ${program.log}`)
    try {
      const target = targetOf(kubeconfig, port)
      const connection = await openConnection(target)
      const { status } = await connection.request('GET', '/readyz')
      connection.close()
      if (status === 200) return target
    } catch {
      // not there yet
    }
    if (performance.now() > deadline) throw new Error('the API server was not ready in 90 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Where a kubeconfig's server is and what it takes to speak to it; `port` overrides that of the file. */
export function targetOf(kubeconfig: string, port?: number): Target {
  const config = parseYaml(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[]
    users: { user: Record<string, string> }[]
  }
  const decode = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString()
  const cluster = config.clusters[0]?.cluster ?? {}
  const user = config.users[0]?.user ?? {}
  return {
    host: '127.0.0.1',
    port: port ?? Number(new URL(cluster.server ?? '').port),
    tls: {
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
    },
  }
}
