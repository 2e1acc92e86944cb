import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{lib,apiserver,scheduler,controller-manager,nodeagent,kubectl-lite,launcher,test,examples}/**/*.test.ts'],
    setupFiles: ['test/setup/property-seed.ts'],
    // A loaded machine is slow: deadlines only keep a run from hanging.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
  },
})
