import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{lib,apiserver,scheduler,controller-manager,nodeagent,kubectl-lite,launcher,test,examples}/**/*.test.ts'],
    setupFiles: ['test/setup/property-seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
