// A request that cannot be served here or now though nothing is broken.

import type { FailureKind } from '../message/message.ts'

export class Refusal extends Error {
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}
