// Why a process does not start, in the one line that the user sees.

/** The server cannot start; the message is the one line the user sees. */
export class StartError extends Error {}
