// Entry of a thread of embedded storage nodes in the build: runs storage/node/worker.ts from its bundle.

import { loadBundle } from './compiled-bundle.ts'

loadBundle(new URL('../storage/node/worker.cjs', import.meta.url))
