// Tests lie beside the code as x.test.ts; what spans layers is in test/. CI adds a JSON report for .ci/run.

import { defineConfig, type ViteUserConfig } from 'vitest/config'

const isCi = process.env['CI'] !== undefined

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['{server,storage,sql,test,bench}/**/*.test.ts'],
    globalSetup: ['test/support/shared-oracle.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: isCi ? ['default', ['json', { outputFile: '.vitest/report.json' }]] : ['default'],
    expect: { poll: { interval: 5, timeout: 5_000 } },
    benchmark: { include: ['**/*.bench.ts'] },
  },
})

export default config
