import path from 'node:path'
import { defineConfig } from 'vitest/config'

const rooms = 'lib,apiserver,scheduler,controller-manager,nodeagent,gateway,kubectl-lite,launcher,test,examples'
/** What starts programs, containers or machines, or is killed itself. */
const starting = [
  'test/*/**/*.test.ts',
  'apiserver/storage/{faults,full-disk,kill,power-loss,store.model}.test.ts',
  'gateway/run-gateway.cluster.test.ts',
  'nodeagent/{agent*,purge-node,start-node-agent}.test.ts',
  'nodeagent/snapshots/*.test.ts',
  'nodeagent/backends/**/{docker-backend,process-backend,qemu-backend,bridged-containers,pull-image,qemu-engine,signal-exec,vm-processes}.test.ts',
  'nodeagent/backends/*/machines/{docker,qemu}-machines*.test.ts',
  '**/*.kills.test.ts',
]
const never = ['**/node_modules/**', '**/templates/**']

export default defineConfig({
  // Examples name the package as users do; their tests run what the sources say now.
  resolve: { alias: [{ find: /^millrace\/(\w+)$/, replacement: path.join(import.meta.dirname, 'lib/$1/index.ts') }] },
  test: {
    // In a run of all, the first go first; the many short ones then fill what is left of each worker's time.
    projects: [
      { extends: true, test: { name: 'apart', include: starting, exclude: never } },
      // Leave nothing behind, so they share what a worker has loaded: a server stands at once, and most files take a few milliseconds.
      {
        extends: true,
        test: { name: 'together', isolate: false, include: [`{${rooms}}/**/*.test.{ts,js}`], exclude: [...starting, ...never] },
      },
    ],
    setupFiles: ['test/setup/property-seed.ts'],
    // A loaded machine is slow: deadlines only keep a run from hanging.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    // More than cores: those that start something wait for it much of their time.
    maxWorkers: 3,
  },
})
