import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe } from 'vitest'
import { describeMachines } from '../../machine-backend.contract.js'
import { machinesOptions } from '../fixtures/a-machine.js'
import { withoutQemu } from '../fixtures/guest-kernel.js'
import { testGuest } from '../fixtures/test-guest.js'
import { QemuMachines } from './qemu-machines.js'

/** It boots a guest seven times. The story of qemu-machines.test.ts is the short form. */
describe.skipIf(withoutQemu || process.env.MILLRACE_TEST_LONG !== '1')('the contract', () => {
  let folder: string
  afterAll(() => rm(folder, { recursive: true, force: true }))

  describeMachines('qemu', async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-vm-contract-'))
    const imageDirectory = await testGuest()
    return {
      open: () => QemuMachines.open(machinesOptions(folder, imageDirectory)),
      spec: { backend: 'qemu', image: 'guest', resources: { limits: { cpu: '1', memory: '160Mi' } } },
      echo: (port) => ['nc', '-l', '-p', String(port), '-e', 'cat'],
      startTimeoutMs: 240_000,
    }
  })
})
