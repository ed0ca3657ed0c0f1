// A process that was killed holds its lock until the kernel has taken all of it down, which for a large one is some
// 100 ms after the kill. Whoever restarts a server at once should not be told that it is still running.

import { setTimeout } from 'node:timers/promises'

import { StorageError } from '../../storage/base/errors.ts'
import { nodeEnv } from '../node-env.ts'

const PATIENCE_MS = 2_000
const PAUSE_MS = 20

/** Opens what a lock protects, and tries again for two seconds while another process holds it. Rejects as `open` throws. */
export async function onceUnlocked<T>(open: () => T): Promise<T> {
  const { clock } = nodeEnv
  const untilMs = clock.monotonicMs() + PATIENCE_MS
  for (;;) {
    try {
      return open()
    } catch (error) {
      const isLocked = error instanceof StorageError && error.kind === 'locked'
      if (!isLocked || clock.monotonicMs() >= untilMs) throw error
    }
    await setTimeout(PAUSE_MS)
  }
}
