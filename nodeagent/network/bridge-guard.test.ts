import { expect, it } from 'vitest'
import type { AddressRange } from '../../lib/api/address-range.js'
import { createLogger, silentLogger } from '../../lib/base/log.js'
import { BridgeGuard } from './bridge-guard.js'

const range: AddressRange = { first: 0xac1e0000, prefixLength: 16, size: 65_536 }

const port = (index: number) => ({
  interface: `veth${index}`,
  address: `172.30.0.${index + 2}`,
  mac: `52:54:00:00:00:0${index}`,
  published: [],
})

it('runs one program for a workload more or less, and none where nothing has changed', async () => {
  const ran: string[] = []
  const run = async (program: string) => {
    ran.push(program)
    return ''
  }
  const guard = new BridgeGuard({ bridge: 'mrbr0123abcd', run, findPort: async () => undefined, openPorts: [], log: silentLogger })
  let ports = [port(0)]
  guard.sources.push(async () => ({ ports, lost: 0 }))
  const ensure = async (look = false) => {
    ran.length = 0
    await guard.ensure(range, new Set(['veth0', 'veth1']), look, AbortSignal.timeout(60_000))
    return [...ran]
  }
  await ensure(true)
  ports = [port(0), port(1)]
  expect(await ensure()).toEqual(['ebtables-restore'])
  expect(await ensure()).toEqual([])
  ports = [port(1)]
  expect(await ensure()).toEqual(['ebtables-restore'])
})

it('says how many on the bridge are not pinned, as nobody found their ports, and pins the others', async () => {
  const logged: string[] = []
  const log = createLogger({ program: 'test', output: { write: (line) => logged.push(line) } })
  const restored: string[] = []
  const run = async (_program: string, _args: readonly string[], _signal: AbortSignal, input = '') => {
    restored.push(input)
    return ''
  }
  const guard = new BridgeGuard({ bridge: 'mrbr0123abcd', run, findPort: async () => undefined, openPorts: [], log })
  let lost = 2
  guard.sources.push(
    async () => ({ ports: [port(0)], lost }),
    async () => ({ ports: [port(1)], lost: 0 }),
  )
  const ensure = () => guard.ensure(range, new Set(['veth0', 'veth1']), true, AbortSignal.timeout(60_000))
  await ensure()
  expect(guard.weakness).toBe('2 containers are not kept to an address, as their ports on the bridge could not be found')
  expect(['172.30.0.2', '172.30.0.3'].map((address) => guard.holds(address))).toEqual([true, true])
  expect(restored.join('')).toContain('-i veth1 -j mrbr0123abcd-port-')
  lost = 1
  await ensure()
  expect(guard.weakness).toBe('1 container is not kept to an address, as its port on the bridge could not be found')
  expect(logged).toHaveLength(1)
  lost = 0
  await ensure()
  expect(guard.weakness).toBeUndefined()
})

it('pins a tap before its backend knows of it, and nothing that is not there; says so when nothing can be pinned', async () => {
  const restored: string[] = []
  let broken = false
  const run = async (program: string, _args: readonly string[], _signal: AbortSignal, input = '') => {
    if (broken && program.startsWith('ebtables')) throw new Error('ebtables has no table nat')
    restored.push(input)
    return ''
  }
  const guard = new BridgeGuard({ bridge: 'mrbr0123abcd', run, findPort: async () => undefined, openPorts: [], log: silentLogger })
  const ensure = () => guard.ensure(range, new Set(['veth0']), true, AbortSignal.timeout(60_000))
  guard.taps.set('u', port(0))
  guard.sources.push(async () => ({ ports: [port(1)], lost: 0 }))
  await ensure()
  expect([guard.holds('172.30.0.2'), guard.holds('172.30.0.3')]).toEqual([true, false])
  expect(restored.join('')).toContain('-i veth0 -j mrbr0123abcd-port-')
  expect(restored.join('')).not.toContain('veth1')
  broken = true
  await ensure()
  expect(guard.weakness).toBe("its workloads are not kept from using each other's addresses: ebtables has no table nat")
})
