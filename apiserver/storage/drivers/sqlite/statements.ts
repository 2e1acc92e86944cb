import { objectColumns, rowColumns } from './row-codec.js'

const columns = (names: readonly string[], table: string, prefix = '') =>
  names.map((name) => `${table}.${name} AS ${prefix}${name}`).join(', ')
const objects = columns(objectColumns, 'l')
const rows = columns(rowColumns, 'l')
const previous = columns(['revision', 'uid', 'create_revision', 'sealed_by', 'facets', 'bytes'], 'p', 'p_')

/** One batch, one statement, one transaction: $1 the rows' metadata as JSON, $2 their bytes. The triggers keep `objects`. */
export const append = `INSERT INTO log (revision, op, time, resource, namespace, name, uid,
    create_revision, previous_revision, format, sealed_by, facets, actor, request_id, bytes)
  SELECT j.value->>0, j.value->>1, j.value->>2, j.value->>3, j.value->>4, j.value->>5, j.value->>6,
    j.value->>7, j.value->>8, j.value->>9, j.value->>10, j.value->>11, j.value->>12, j.value->>13, substr($2, j.value->>14, j.value->>15)
  FROM json_each($1) j ORDER BY j.id`

export const reseal = `UPDATE log SET sealed_by = j.value->>1, bytes = substr($2, j.value->>2, j.value->>3)
  FROM json_each($1) j WHERE log.revision = j.value->>0`

/** Never takes the newest row of a live key, whatever was asked. */
export const drop = `DELETE FROM log WHERE revision IN (SELECT value FROM json_each($1)) AND NOT EXISTS (
  SELECT 1 FROM objects o WHERE o.resource = log.resource AND o.namespace = log.namespace AND o.name = log.name AND o.revision = log.revision)`

export const lastRevision = 'SELECT coalesce(max(revision), 0) AS revision FROM log'
export const marks = 'SELECT compact_revision, compacted_to, aged_to FROM marks'
export const mark = 'UPDATE marks SET compact_revision = $1, compacted_to = $2, aged_to = $3'
export const probe = 'UPDATE marks SET probes = probes + 1'

export const rowsAfter = `SELECT ${rows} FROM log l WHERE l.revision > $1 ORDER BY l.revision`

/** In the order of the log, so that reading what they point at goes through the file once. */
export const liveRevisions = 'SELECT revision FROM objects ORDER BY revision'
export const objectsAt = `SELECT ${objects} FROM json_each($1) j CROSS JOIN log l ON l.revision = j.value`

/** The plus keeps the planner on the revision, which is the order that is asked for. */
export const steps = `SELECT ${rows}, ${previous} FROM log l LEFT JOIN log p ON p.revision = l.previous_revision
  WHERE +l.resource = $1 AND l.revision > $2 AND l.revision <= $3 ORDER BY l.revision LIMIT $4`

/** `op` is that of the row with the highest revision: SQLite's rule for a bare column beside max(). */
const snapshotOf = (where: string) => `SELECT ${objects} FROM (
    SELECT max(revision) AS revision, op, namespace, name FROM log WHERE resource = $1 AND ${where} AND revision <= $4
    GROUP BY namespace, name HAVING op <> 2 ORDER BY namespace, name LIMIT $5) newest
  CROSS JOIN log l ON l.revision = newest.revision ORDER BY newest.namespace, newest.name`

/** $2 and $3: the namespace and name above which to look. */
export const snapshot = snapshotOf('(namespace, name) > ($2, $3)')
/** $2: the namespace; $3: the name above which to look. */
export const snapshotOfNamespace = snapshotOf('namespace = $2 AND name > $3')

export const rowsOfKey = `SELECT ${rows} FROM log l WHERE l.resource = $1 AND l.namespace = $2 AND l.name = $3 ORDER BY l.revision`

export const links = `SELECT revision, op, resource, namespace, name, previous_revision, time FROM log
  WHERE revision > $1 AND revision <= $2 ORDER BY revision LIMIT $3`

/** $1: keys as JSON; $2: how many newer rows a row must have; $3: the newest revision that counts. */
export const excess = `SELECT l.revision AS revision FROM json_each($1) k CROSS JOIN log l
  WHERE l.resource = k.value->>0 AND l.namespace = k.value->>1 AND l.name = k.value->>2 AND l.revision <= (
    SELECT x.revision FROM log x WHERE x.resource = k.value->>0 AND x.namespace = k.value->>1 AND x.name = k.value->>2 AND x.revision <= $3
    ORDER BY x.revision DESC LIMIT 1 OFFSET $2)`

export const sealedRows = `SELECT ${objects} FROM log l WHERE l.sealed_by <> '' AND l.revision > $1 ORDER BY l.revision LIMIT $2`
