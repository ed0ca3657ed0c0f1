// A thread that does nothing but wait for the disk, so that the files of two zones are synced at the same time by a thread
// of nodes that otherwise waits for one after the other. Half of a commit's way is that wait (docs/decisions/0009).
//
//   thread of nodes   begin(file) ──request──▶ sync its other file itself ──▶ finish(): waits, throws what failed
//   this thread             sleeps ──────────▶ fdatasync(file) ──────────────▶ done
//
// Both sides wait on memory: nothing else runs in between, so what is written here is as durable when `finish` returns as
// if the caller had synced it. The thread takes some ten milliseconds to start: until then isReady is false.

import { Worker } from 'node:worker_threads'

import { assert } from '../base/assert.ts'

const REQUESTS = 0
const DONE = 1
const FILE = 2
const FAILED = 3
const READY = 4
const WORDS = 5

/** Of the disk itself: one that answers later than this will not answer. */
const PATIENCE_MS = 120_000

/** Plain JavaScript, the same from source and from the build; its words are those above. */
const PROGRAM = `
const { fdatasyncSync } = require('node:fs')
const words = new Int32Array(require('node:worker_threads').workerData)
Atomics.store(words, ${READY}, 1)
for (let done = 0; ; ) {
  Atomics.wait(words, ${REQUESTS}, done)
  if (Atomics.load(words, ${REQUESTS}) === done) continue
  let failed = 0
  try {
    fdatasyncSync(Atomics.load(words, ${FILE}))
  } catch (error) {
    failed = error.errno || -5
  }
  Atomics.store(words, ${FAILED}, failed)
  Atomics.store(words, ${DONE}, ++done)
  Atomics.notify(words, ${DONE})
}`

export class SyncThread {
  readonly #words: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(WORDS * 4))
  #worker: Worker | undefined
  #requests = 0

  /** Whether it waits for work. The first question starts it. */
  get isReady(): boolean {
    this.#worker ??= this.#start()
    return Atomics.load(this.#words, READY) === 1
  }

  #start(): Worker {
    const worker = new Worker(PROGRAM, {
      eval: true,
      execArgv: [],
      workerData: this.#words.buffer,
      resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
    })
    // Without it files are synced one after the other.
    worker.on('error', () => Atomics.store(this.#words, READY, 0))
    worker.unref()
    return worker
  }

  /** Begins to sync a file. It must be ready, and what it began before be finished. */
  begin(file: number): void {
    const words = this.#words
    assert(Atomics.load(words, DONE) === this.#requests, 'one file at a time')
    Atomics.store(words, FILE, file)
    Atomics.store(words, REQUESTS, ++this.#requests)
    Atomics.notify(words, REQUESTS)
  }

  /** What `begin` began is on disk when this returns undefined; otherwise the error's number, as in node:os. */
  finish(): number | undefined {
    const words = this.#words
    while (Atomics.load(words, DONE) !== this.#requests) {
      const waited = Atomics.wait(words, DONE, this.#requests - 1, PATIENCE_MS)
      assert(waited !== 'timed-out', 'the disk answers, or fails')
    }
    const failed = Atomics.load(words, FAILED)
    return failed === 0 ? undefined : failed
  }

  close(): void {
    void this.#worker?.terminate()
  }
}
