// Where we differ from PostgreSQL on purpose, and what we say instead.

export const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([])
