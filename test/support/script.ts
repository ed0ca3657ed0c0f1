// Cuts an SQL script into statements as psql does: at semicolons outside quotes, dollar quotes, comments and
// parentheses. The data of COPY ... FROM STDIN follows its statement, up to a line `\.`.

export interface ScriptStatement {
  readonly text: string
  /** 1-based line in the script. */
  readonly line: number
  /** Of COPY ... FROM STDIN. */
  readonly copyData: string | undefined
}

const COPY_FROM_STDIN = /^\s*copy\b[^;]*\bfrom\s+stdin\b/i
/** What may hide a semicolon: quoted text, dollar quotes, comments. */
const HIDDEN =
  /'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//y

export function parseScript(script: string): ScriptStatement[] {
  const statements: ScriptStatement[] = []
  let start = 0
  let at = 0
  while (at < script.length) {
    HIDDEN.lastIndex = at
    const hidden = HIDDEN.exec(script)
    if (hidden !== null) {
      at += hidden[0].length
    } else if (script[at] === ';') {
      const text = script.slice(start, at).trim()
      const line = lineOf(script, start + leadingSpace(script.slice(start, at)))
      at++
      let copyData: string | undefined
      if (COPY_FROM_STDIN.test(withoutComments(text))) {
        const begin = script.indexOf('\n', at) + 1
        const end = script.indexOf('\\.\n', begin)
        if (end >= 0) {
          copyData = script.slice(begin, end)
          at = end + 3
        }
      }
      start = at
      if (withoutComments(text) !== '')
        statements.push({ text: withoutLeadingComments(text), line, copyData })
    } else {
      at++
    }
  }
  return statements
}

function withoutComments(text: string): string {
  return text.replaceAll(/--[^\n]*/g, '').trim()
}

function withoutLeadingComments(text: string): string {
  return text.replace(/^(\s*--[^\n]*\n)*\s*/, '')
}

function leadingSpace(text: string): number {
  return text.length - withoutLeadingComments(text).length
}

function lineOf(script: string, at: number): number {
  return script.slice(0, at).split('\n').length
}
