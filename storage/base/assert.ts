// Assertions: statements about our own code that must hold. They stay on in production and never judge input that
// comes from a client, a peer or a disk (that is what SqlError and StorageError are for).

/** Thrown by the functions below; reaching one means a bug of ours. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws an AssertionError unless `condition` holds. Pass a literal message: it is not built when the check passes. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Returns `value`, which our own code promised to be there. */
export function must<T>(value: T | undefined | null, message = 'value expected'): T {
  if (value === undefined || value === null) throw new AssertionError(message)
  return value
}

/** Marks a branch that an exhaustive switch can never reach. */
export function unreachable(value: never, message = 'unreachable'): never {
  throw new AssertionError(`${message}: ${JSON.stringify(value)}`)
}
