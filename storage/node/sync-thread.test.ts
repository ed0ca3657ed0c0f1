import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { SyncThread } from './sync-thread.ts'

test('it syncs one file after the other, and tells what fails', async () => {
  const thread = new SyncThread()
  await expect.poll(() => thread.isReady).toBe(true)
  const directory = mkdtempSync(join(tmpdir(), 'borealis-sync-'))
  const file = openSync(join(directory, 'file'), 'w')
  for (let turn = 0; turn < 100; turn++) {
    writeSync(file, 'x')
    thread.begin(file)
    expect(thread.finish()).toBeUndefined()
  }
  closeSync(file)
  const neverOpened = 1_000_000
  thread.begin(neverOpened)
  expect(thread.finish()).toBe(-constants.errno.EBADF)
  thread.close()
  rmSync(directory, { recursive: true })
})
