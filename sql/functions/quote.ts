// SQL's key words as PostgreSQL 15 classes them (documentation, appendix C), for quoting and for pg_get_keywords().
// A word with a dash behind it cannot be a column label without AS.

const columnNames = `
  between bigint bit boolean char- character- coalesce dec decimal exists extract float greatest
  grouping inout int integer interval least national nchar none normalize nullif numeric out overlay
  position precision- real row setof smallint substring time timestamp treat trim values varchar
  xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
  xmlserialize xmltable`

const reserved = `
  all analyse analyze and any array- as- asc asymmetric both case cast check collate column constraint
  create- current_catalog current_date current_role current_time current_timestamp current_user default
  deferrable desc distinct do else end except- false fetch- for- foreign from- grant- group- having- in
  initially intersect- into- lateral leading limit- localtime localtimestamp not null offset- on- only
  or order- placing primary references returning- select session_user some symmetric table then to-
  trailing true union- unique user using variadic when where- window- with-`

const typeNames = `
  authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull-
  join left like natural notnull- outer overlaps- right similar tablesample verbose`

const unreserved = `
  abort absolute access action add admin after aggregate also alter always asensitive assertion
  assignment at atomic attach attribute backward before begin breadth by cache call called cascade
  cascaded catalog chain characteristics checkpoint class close cluster columns comment comments commit
  committed compression configuration conflict connection constraints content continue conversion copy
  cost csv cube current cursor cycle data database day- deallocate declare defaults deferred definer
  delete delimiter delimiters depends depth detach dictionary disable discard document domain double
  drop each enable encoding encrypted enum escape event exclude excluding exclusive execute explain
  expression extension external family filter- finalize first following force forward function functions
  generated global granted groups handler header hold hour- identity if immediate immutable implicit
  import include including increment index indexes inherit inherits inline input insensitive insert
  instead invoker isolation key label language large last leakproof level listen load local location
  lock locked logged mapping match matched materialized maxvalue merge method minute- minvalue mode
  month- move name names new next nfc nfd nfkc nfkd no normalized nothing notify nowait nulls object of
  off oids old operator option options ordinality others over- overriding owned owner parallel parameter
  parser partial partition passing password plans policy preceding prepare prepared preserve prior
  privileges procedural procedure procedures program publication quote range read reassign recheck
  recursive ref referencing refresh reindex relative release rename repeatable replace replica reset
  restart restrict return returns revoke role rollback rollup routine routines rows rule savepoint
  schema schemas scroll search second- security sequence sequences serializable server session set sets
  share show simple skip snapshot sql stable standalone start statement statistics stdin stdout storage
  stored strict strip subscription support sysid system tables tablespace temp template temporary text
  ties transaction transform trigger truncate trusted type types uescape unbounded uncommitted
  unencrypted unknown unlisten unlogged until update vacuum valid validate validator value varying-
  version view views volatile whitespace within- without- work wrapper write xml year- yes zone`

/** One row of pg_get_keywords(). */
export interface Keyword {
  readonly word: string
  /** U unreserved, C can be a column name, T can be a function or type name, R reserved. */
  readonly category: 'U' | 'C' | 'T' | 'R'
  readonly isBareLabel: boolean
}

function keywordsOf(category: Keyword['category'], words: string): Keyword[] {
  return words
    .trim()
    .split(/\s+/)
    .map((word) => ({ word: word.replace('-', ''), category, isBareLabel: !word.endsWith('-') }))
}

/** All key words, in alphabetical order. */
export const keywords: readonly Keyword[] = [
  ...keywordsOf('U', unreserved),
  ...keywordsOf('C', columnNames),
  ...keywordsOf('T', typeNames),
  ...keywordsOf('R', reserved),
].sort((a, b) => (a.word < b.word ? -1 : 1))

const quotedWords: ReadonlySet<string> = new Set(
  keywords.filter((keyword) => keyword.category !== 'U').map((keyword) => keyword.word),
)

/** A name as it can stand in SQL: in double quotes unless it is plain lower case and no key word (quote_ident). */
export function quoteIdentifier(name: string): string {
  if (/^[a-z_][a-z0-9_]*$/.test(name) && !quotedWords.has(name)) return name
  return `"${name.replaceAll('"', '""')}"`
}

/** A string constant; one with a backslash in E'' form (quote_literal). */
export function quoteLiteral(text: string): string {
  const body = text.replaceAll("'", "''")
  return body.includes('\\') ? `E'${body.replaceAll('\\', '\\\\')}'` : `'${body}'`
}
