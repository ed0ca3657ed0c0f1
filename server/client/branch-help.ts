// What --help says of the commands that speak to a running server. Apart, so that `serve` loads no client.

export const BRANCH_HELP = `  borealis branch create NAME [--from DATABASE] [--as-of WHEN] [--ttl INTERVAL]
  borealis branch list
  borealis branch drop NAME [--force]
  borealis branch diff FROM [TO] [--table TABLE]    what TO (default: the current database) has that FROM has not
  borealis branch merge BRANCH [--on-conflict ours|theirs]     into the current database
  borealis backtrack WHEN                                      of the current database

Flags of branch and backtrack: --host, --port, --user, --dbname (the current database) as psql has them, with the same
environment variables (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE); --json prints JSON instead of a table.
WHEN is '-10 min', a timestamp or an LSN.`
