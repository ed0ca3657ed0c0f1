// Names that PostgreSQL makes up: table_pkey, table_a_b_key, table_a_seq, with numbers behind when taken.
// (Its makeObjectName, ChooseRelationName and ChooseConstraintName.)

import type { DdlWork } from './work.ts'

const NAME_SIZE_BYTES_MAX = 63

function clip(text: string, sizeBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= sizeBytes) return text
  let end = sizeBytes
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** name1_name2_label with the longer of the two names cut until all of it fits. */
export function makeObjectName(name1: string, name2: string | undefined, label: string): string {
  const overhead = Buffer.byteLength(label) + 1 + (name2 === undefined ? 0 : 1)
  let size1 = Buffer.byteLength(name1)
  let size2 = name2 === undefined ? 0 : Buffer.byteLength(name2)
  while (size1 + size2 + overhead > NAME_SIZE_BYTES_MAX) {
    if (size1 > size2) size1--
    else size2--
  }
  const parts = [clip(name1, size1)]
  if (name2 !== undefined) parts.push(clip(name2, size2))
  return [...parts, label].join('_')
}

/** The first free name of name1_name2_label, name1_name2_label1, ... */
export function chooseName(
  parts: { readonly name1: string; readonly name2?: string | undefined; readonly label: string },
  isTaken: (name: string) => boolean,
): string {
  for (let count = 0; ; count++) {
    const name = makeObjectName(
      parts.name1,
      parts.name2,
      count === 0 ? parts.label : `${parts.label}${count}`,
    )
    if (!isTaken(name)) return name
  }
}

/** Whether any constraint in the schema has the name. */
export function isConstraintName(work: DdlWork, schemaOid: number, name: string): boolean {
  const contents = work.editor.contents()
  for (const table of contents.all('table')) {
    if (table.schemaOid !== schemaOid) continue
    if (table.checks.some((check) => check.name === name)) return true
    if (table.foreignKeys.some((key) => key.name === name)) return true
  }
  const index = contents.relationOid(schemaOid, name)
  return index !== undefined && (contents.object('index', index)?.constraintOid ?? 0) !== 0
}

/** Column names joined as PostgreSQL joins them for index and key names: until 63 bytes are full. */
export function joinedColumnNames(names: readonly string[]): string {
  let joined = ''
  for (const name of names) {
    joined = joined === '' ? name : `${joined}_${name}`
    if (Buffer.byteLength(joined) >= NAME_SIZE_BYTES_MAX + 1) break
  }
  return clip(joined, NAME_SIZE_BYTES_MAX)
}
