// Loads a bundle with the code that V8 has compiled of it before. Compiling three megabytes of source anew takes longer
// than all the rest of a start; a start that finds the code skips that.
//
//   BUNDLE.cjs ─┐                                                          ┌▶ exports
//               ├─▶ vm.Script ─ accepted? ─▶ run ─▶ what was run is compiled ┤
//   BUNDLE.cjs-TAG-code ─┘          └ no, or not there ──────────────────────┴▶ written, once that has been a while
//
// TAG names the version of V8, its flags and the processor's features (v8.cachedDataVersionTag): code of another one is
// not looked at. The file begins with checksums of the source and of the code, since V8 compares no more than the length
// of the one and takes the other on trust:
//
//   offset size  field
//        0    4  CRC-32 of the source
//        4    4  CRC-32 of the code
//        8       the code
//
// A bundle is CommonJS, since Node keeps no code of ES modules. Where the file cannot be written nothing is lost but time.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cachedDataVersionTag } from 'node:v8'
import { Script } from 'node:vm'
import { crc32 } from 'node:zlib'

const HEADER_SIZE_BYTES = 8
/** By then what a server needs was run, and compiled. */
const WRITE_AFTER_MS = 10_000
/** Names a file that says by being there that it was: `npm run build` knows better. */
const WRITE_WHEN_VARIABLE = 'BOREALIS_CODE_CACHE_WHEN'
const LOOK_MS = 50

type Bundle = (
  exports: object,
  require: NodeJS.Require,
  module: { readonly exports: object },
  filename: string,
  directory: string,
  url: string,
) => void

/** Runs the bundle at a file URL and returns what it exports. */
export function loadBundle(url: URL): object {
  const path = fileURLToPath(url)
  const source = readFileSync(path)
  const codePath = `${path}-${cachedDataVersionTag().toString(16)}-code`
  const sourceCrc = crc32(source)
  const cachedData = readCode(codePath, sourceCrc)
  // esbuild writes ASCII, which V8 keeps as it is.
  const text = `(function (exports, require, module, __filename, __dirname, bundleUrl) {${source.toString('latin1')}\n})`
  const script = new Script(text, { filename: path, cachedData })
  if (cachedData === undefined || script.cachedDataRejected === true)
    void writeLater(codePath, () => encode(script.createCachedData(), sourceCrc))
  const bundle = script.runInThisContext() as Bundle
  const module = { exports: {} }
  bundle(module.exports, createRequire(url), module, path, dirname(path), url.href)
  return module.exports
}

function readCode(path: string, sourceCrc: number): Buffer | undefined {
  let file: Buffer
  try {
    file = readFileSync(path)
  } catch {
    return undefined
  }
  if (file.length < HEADER_SIZE_BYTES) return undefined
  const code = file.subarray(HEADER_SIZE_BYTES)
  const isSound = file.readUInt32LE(0) === sourceCrc && file.readUInt32LE(4) === crc32(code)
  return isSound ? code : undefined
}

function encode(code: Buffer, sourceCrc: number): Buffer {
  const header = Buffer.alloc(HEADER_SIZE_BYTES)
  header.writeUInt32LE(sourceCrc, 0)
  header.writeUInt32LE(crc32(code), 4)
  return Buffer.concat([header, code])
}

async function writeLater(path: string, encoded: () => Buffer): Promise<void> {
  const sign = process.env[WRITE_WHEN_VARIABLE]
  if (sign === undefined) await sleep(WRITE_AFTER_MS, undefined, { ref: false })
  else while (!existsSync(sign)) await sleep(LOOK_MS, undefined, { ref: false })
  try {
    const file = `${path}.${process.pid}`
    writeFileSync(file, encoded())
    renameSync(file, path)
  } catch {
    // A directory that belongs to somebody else, mostly.
  }
}
