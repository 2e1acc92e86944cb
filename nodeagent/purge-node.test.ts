import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Namespace, securityLabel } from '../lib/api/kinds/namespace.js'
import { Task } from '../lib/api/kinds/task.js'
import { FlagError } from '../lib/base/flags.js'
import { createClient } from '../lib/client/create-client.js'
import { eventually } from '../lib/testing/eventually.js'
import { testCluster } from '../lib/testing/test-cluster.js'
import { agentPaths } from './files/agent-paths.js'
import { type AgentFolders, agentFolders, asRoot, startAgent } from './fixtures/start-agent.js'
import { DirectoryInUseError, holdAgentDirectory } from './node/agent-directory.js'
import { PurgeError, purgeNode } from './purge-node.js'

const searchPath = process.env.PATH ?? ''

describe('what an agent left', () => {
  let folders: AgentFolders
  beforeEach(async () => {
    folders = await agentFolders()
    await (await holdAgentDirectory(folders.data)).release()
  })
  afterEach(async () => await folders.remove())
  const purge = (backends: readonly ('process' | 'docker')[] = ['process']) =>
    purgeNode(
      {
        dataDirectory: folders.data,
        workDirectory: folders.work,
        backends,
        dockerSocket: '/nowhere.sock',
        imageDirectory: undefined,
        imageRules: { networks: [], mostBytes: 0 },
        qemuBinary: 'no-qemu',
      },
      searchPath,
    )

  it('is ended and removed: processes, control groups, volumes, logs; the agent keeps its name', async () => {
    await using cluster = await testCluster()
    const admin = createClient(cluster.admin)
    await admin.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })
    const agent = await startAgent(cluster, folders)
    const { metadata } = await admin.of(Task).create({
      metadata: { namespace: 'default', name: 'lasting' },
      spec: {
        nodeName: 'n1',
        command: ['sleep', '600'],
        volumes: [{ name: 'scratch', emptyDir: {} }],
        volumeMounts: [{ name: 'scratch' }],
      },
    })
    const pid = await eventually(async () => {
      const { status } = await admin.of(Task).get({ namespace: 'default', name: 'lasting' })
      expect(status?.phase).toBe('Running')
      return status?.runtimeId ?? ''
    })
    await agent.stop()
    await admin.close()
    await eventually(() => expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('sleep\n'))
    expect(readdirSync(folders.work)).toEqual([metadata.uid])

    expect(await purge()).toBe('ended and removed 1 runs, and the files of 1 workloads')
    await eventually(() => !existsSync(`/proc/${pid}`))
    for (const folder of ['runs', 'workloads']) expect(readdirSync(path.join(folders.data, folder))).toEqual([])
    const { secrets } = await agentPaths({ ...folders, asRoot })
    for (const folder of [folders.work, secrets]) expect(existsSync(folder)).toBe(false)
    const groups = existsSync('/sys/fs/cgroup/memory/millrace') ? readdirSync('/sys/fs/cgroup/memory/millrace') : []
    expect(groups.filter((group) => group.startsWith(metadata.uid))).toEqual([])
    expect(existsSync(path.join(folders.data, 'identity'))).toBe(true)
    expect(await purge()).toBe('ended and removed 0 runs, and the files of 0 workloads')
  })

  it('stays while an agent works there', async () => {
    const held = await holdAgentDirectory(folders.data)
    await expect(purge()).rejects.toThrow(DirectoryInUseError)
    await held.release()
  })

  it('is said to be there still when a backend does not answer', async () => {
    await expect(purge(['process', 'docker'])).rejects.toThrow(PurgeError)
    await expect(purge(['process', 'docker'])).rejects.toThrow(/^not all could be removed: docker: /)
  })

  it('is nothing of a directory in which no agent has worked', async () => {
    await folders.remove()
    await expect(purge()).rejects.toThrow(FlagError)
    expect(existsSync(folders.data)).toBe(false)
    writeFileSync(folders.data, '')
    await expect(purge()).rejects.toThrow('no agent has worked in')
  })
})
