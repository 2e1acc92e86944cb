/** How names of fields are written in rules where CEL could not read them: `my-field` is `my__dash__field`. */

const escapes: Readonly<Record<string, string>> = { __underscores__: '__', __dot__: '.', __dash__: '-', __slash__: '/' }

const keywords = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
])

/** The field that a name in a rule means. */
export function fieldName(written: string): string {
  if (!written.includes('__')) return written
  const keyword = /^__(.+)__$/.exec(written)?.[1]
  if (keyword !== undefined && keywords.has(keyword)) return keyword
  return written.replace(/__(?:underscores|dot|dash|slash)__/g, (part) => escapes[part] ?? part)
}

/** How a rule writes the name of the field; undefined when it cannot. */
export function writtenName(field: string): string | undefined {
  if (keywords.has(field)) return `__${field}__`
  const written = field.replace(
    /__|[./-]/g,
    (part) => ({ __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' })[part] ?? part,
  )
  return /^[A-Za-z_]\w*$/.test(written) ? written : undefined
}
