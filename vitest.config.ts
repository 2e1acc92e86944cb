import path from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Examples name the package as users do; their tests run what the sources say now.
  resolve: { alias: [{ find: /^millrace\/(\w+)$/, replacement: path.join(import.meta.dirname, 'lib/$1/index.ts') }] },
  test: {
    include: ['{lib,apiserver,scheduler,controller-manager,nodeagent,gateway,kubectl-lite,launcher,test,examples}/**/*.test.{ts,js}'],
    exclude: ['**/node_modules/**', '**/templates/**'],
    setupFiles: ['test/setup/property-seed.ts'],
    // A loaded machine is slow: deadlines only keep a run from hanging.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
  },
})
