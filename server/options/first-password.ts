// The password that the superuser `postgres` of a new cluster begins with. It counts while the data is made and never
// again: who changes it later does so by ALTER ROLE.

import { readFileSync } from 'node:fs'

import type { AuthMethod } from '../wire/authentication.ts'
import { type Flag, nonEmpty } from './flags.ts'
import { StartError } from '../start-error.ts'

export interface FirstPasswordOptions {
  readonly password: string | undefined
  /** A file whose first line is the password; read only when it is needed. */
  readonly passwordFile: string | undefined
}

export const FIRST_PASSWORD_DEFAULTS: FirstPasswordOptions = { password: undefined, passwordFile: undefined }

export const FIRST_PASSWORD_FLAGS: readonly Flag<FirstPasswordOptions>[] = [
  {
    name: 'password',
    placeholder: 'TEXT',
    help: 'first password of user postgres, for new data; better in BOREALIS_PASSWORD (none)',
    read: (text) => ({ password: nonEmpty(text) }),
  },
  {
    name: 'password-file',
    placeholder: 'FILE',
    help: 'file whose first line is that password (none)',
    read: (text) => ({ passwordFile: nonEmpty(text) }),
  },
]

/** Throws StartError. */
export function checkFirstPassword({ password, passwordFile }: FirstPasswordOptions): void {
  if (password !== undefined && passwordFile !== undefined)
    throw new StartError('--password and --password-file are not given together')
}

/** The first password of data that is being made. Throws StartError when nobody could ever log in without one. */
export function firstPassword({
  password,
  passwordFile,
  auth,
}: FirstPasswordOptions & { readonly auth: AuthMethod }): string | undefined {
  const chosen = passwordFile === undefined ? password : readFirstLine(passwordFile)
  if (chosen === undefined && auth !== 'trust')
    throw new StartError(
      `new data with --auth ${auth} needs the first password of user postgres: give --password-file or BOREALIS_PASSWORD`,
    )
  return chosen
}

function readFirstLine(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new StartError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line === '') throw new StartError(`${path} is empty: its first line is to be a password`)
  return line
}
