import { expect, it } from 'vitest'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { vpsSsh } from './vps-ssh.js'

const door = { host: 'gate.example', hostKey: 'ssh-ed25519 AAAA' }
const told = { sshCommand: 'before', sshHostKey: 'before' }

it.each([
  ['keys', 2222, { sshCommand: 'ssh -p 2222 dev.team@gate.example', sshHostKey: '[gate.example]:2222 ssh-ed25519 AAAA' }],
  ['generate', 22, { sshCommand: 'ssh dev.team@gate.example', sshHostKey: 'gate.example ssh-ed25519 AAAA' }],
  ['disabled', 2222, {}],
] as const)('mode %s at port %i: the status says %j', async (mode, port, says) => {
  const vps = {
    metadata: { name: 'dev', namespace: 'team' },
    spec: { ssh: { mode } },
    status: { ...told, phase: 'Running' },
  } as unknown as Vps
  const { reconcile } = vpsSsh({ ...door, port })
  await reconcile(vps as never, undefined as never)
  expect(vps.status).toEqual({ phase: 'Running', ...says })
})
