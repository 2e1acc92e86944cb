import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeMachines } from '../../machine-backend.contract.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../fixtures/test-engine.js'
import { DockerMachines } from './docker-machines.js'

describe.skipIf(withoutDocker)('with a Docker engine', () => {
  let engine: TestEngine
  let directory: string
  const open = (agent = 'test') => DockerMachines.open({ socketPath: engine.socketPath, agent, directory, network: 'none' })

  beforeAll(async () => {
    engine = await startTestEngine()
    directory = await mkdtemp(path.join(tmpdir(), 'mr-snapshots-'))
  })
  afterAll(async () => {
    await engine.close()
    await rm(directory, { recursive: true, force: true })
  })

  describeMachines('docker', async () => ({
    open,
    spec: { image: engine.image },
    echo: (port) => ['nc', '-ll', '-p', String(port), '-e', 'cat'],
  }))
})
