import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'
import { type Cgroups, openCgroups } from '../cgroups/cgroups.js'
import { describeBackend } from '../contract/backend.contract.js'
import type { ContractPrograms } from '../contract/contract-bed.contract.js'
import { ProcessBackend } from './process-backend.js'

const shell = (script: string) => ['sh', '-c', script]
const programs: ContractPrograms = {
  exit: (code) => shell(`exit ${code}`),
  sleep: ['sleep', '600'],
  stubborn: shell('trap "" TERM; echo ready; while :; do sleep 1; done'),
  print: (out, err) => shell(`echo "${out}"; echo "${err}" >&2`),
  printEnv: (name) => shell(`printf '%s\\n' "$${name}"`),
  echo: (port) => [
    process.execPath,
    '-e',
    `require('node:net').createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(${port}, '127.0.0.1')`,
  ],
  echoDatagrams: (port) => [
    process.execPath,
    '-e',
    `const s = require('node:dgram').createSocket('udp4'); s.on('message', (m, { port, address }) => s.send(m, port, address)).bind(${port}, '127.0.0.1')`,
  ],
  missing: ['/no/such/command'],
  hungry: ['perl', '-e', 'my $x = "x" x (200 << 20); sleep 30'],
}

const cgroups = await openCgroups()
const asRoot = process.getuid?.() === 0
const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function prepare(limits: Cgroups | undefined, separateUsers: boolean) {
  const directory = await mkdtemp(path.join(tmpdir(), 'mr-proc-'))
  folders.push(directory)
  return {
    open: () => ProcessBackend.open({ directory, cgroups: limits, separateUsers, version: 'test', searchPath: process.env.PATH ?? '' }),
    programs,
  }
}

describeBackend('process (limits watched, no separate users)', () => prepare(undefined, false))
if (asRoot && cgroups) describeBackend('process (control groups, separate users)', () => prepare(cgroups, true))
