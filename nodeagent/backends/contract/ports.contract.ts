import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { NotListening } from '../connect-to.js'
import { expectEchoes } from '../fixtures/expect-echoes.js'
import type { ContractBed, ContractOptions } from './contract-bed.contract.js'

/** Connections to what a run listens on. */
export function describePorts(bed: ContractBed, { sessions }: ContractOptions): void {
  const { aRun, inState, signal } = bed

  describe('a connection to a port of a run', () => {
    // Below those that the kernel gives to outgoing connections.
    const port = 20_000 + (process.pid % 10_000)

    it('reaches what listens there, each half to its end', async () => {
      const run = aRun(bed.subject.programs.echo(port))
      await bed.backend.start(run, signal)
      await inState(run, 'running')
      if (!sessions) return await expect(bed.backend.dialPort(run.id, port, 'tcp', signal)).rejects.toMatchObject({ reason: 'Unsupported' })
      const connection = await bed.eventually(() => bed.backend.dialPort(run.id, port, 'tcp', signal))
      connection.end('hello')
      expect(await text(connection)).toBe('hello')
      await expect(bed.backend.dialPort(run.id, port + 1, 'tcp', signal)).rejects.toThrow(NotListening)
      await bed.backend.remove(run.id, signal)
      await expect(bed.backend.dialPort(run.id, port, 'tcp', signal)).rejects.toMatchObject({
        message: expect.stringContaining('not running'),
      })
    })

    it('by udp carries datagrams, each for itself', async () => {
      if (!sessions)
        return await expect(bed.backend.dialPort(aRun([]).id, port, 'udp', signal)).rejects.toMatchObject({ reason: 'Unsupported' })
      if (!bed.subject.programs.echoDatagrams) return
      const run = aRun(bed.subject.programs.echoDatagrams(port + 2))
      await bed.backend.start(run, signal)
      await inState(run, 'running')
      await expectEchoes(() => bed.backend.dialPort(run.id, port + 2, 'udp', signal))
    })
  })
}
