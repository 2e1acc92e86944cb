/**
 * Reads the plain part of YAML in which kubeconfigs are written: block maps and lists of plain or simply quoted scalars. Whatever else
 * stands in the text makes it return undefined, and the `yaml` package reads it instead. The package costs 30 ms of CPU to load, which is
 * most of what a cold `kubectl-lite get` may take; nine kubeconfigs in ten do not need it.
 */
export function readPlainYaml(text: string): unknown {
  const lines: Line[] = []
  for (const raw of text.split(/\r?\n/)) {
    if (/^\s*(#.*)?$/.test(raw) || (raw === '---' && lines.length === 0)) continue
    const indent = raw.search(/[^ ]/)
    lines.push({ indent, text: raw.slice(indent).trimEnd() })
  }
  if (lines.length === 0 || lines.length > maxLines) return undefined
  const reader = new PlainReader(lines)
  try {
    return reader.readDocument()
  } catch (error) {
    if (error === notPlain) return undefined
    throw error
  }
}

interface Line {
  indent: number
  text: string
}

const maxLines = 10_000
const maxDepth = 32
const notPlain = new Error('not plain YAML')

class PlainReader {
  readonly #lines: Line[]
  #at = 0

  constructor(lines: Line[]) {
    this.#lines = lines
  }

  readDocument(): unknown {
    const first = this.#lines[0]
    if (first?.indent !== 0) throw notPlain
    const value = this.#readBlock(0, 0)
    if (this.#at < this.#lines.length) throw notPlain
    return value
  }

  #readBlock(indent: number, depth: number): unknown {
    if (depth > maxDepth) throw notPlain
    return isItem(this.#lines[this.#at]?.text ?? '') ? this.#readList(indent, depth) : this.#readMap(indent, depth)
  }

  #readList(indent: number, depth: number): unknown[] {
    const items: unknown[] = []
    for (;;) {
      const line = this.#lines[this.#at]
      if (!line || line.indent !== indent || !isItem(line.text)) return items
      const rest = line.text.slice(1).trimStart()
      if (rest === '' || isItem(rest)) throw notPlain
      if (keyOf(rest) === undefined) {
        items.push(readScalar(rest))
        this.#at++
        continue
      }
      // `- name: x` begins a map whose keys stand where `name` does.
      const inner = indent + (line.text.length - rest.length)
      line.indent = inner
      line.text = rest
      items.push(this.#readMap(inner, depth + 1))
    }
  }

  #readMap(indent: number, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {}
    for (;;) {
      const line = this.#lines[this.#at]
      if (!line || line.indent < indent) return map
      const key = keyOf(line.text)
      if (key === undefined && isItem(line.text) && line.indent === indent) return map
      if (line.indent > indent || key === undefined || Object.hasOwn(map, key) || key === '__proto__') throw notPlain
      const rest = line.text.slice(key.length + 1).trimStart()
      this.#at++
      map[key] = rest === '' ? this.#readNested(indent, depth) : readScalar(rest)
    }
  }

  /** What stands under `key:`, or null. A list may stand as far left as its key. */
  #readNested(indent: number, depth: number): unknown {
    const next = this.#lines[this.#at]
    if (!next || next.indent < indent || (next.indent === indent && !isItem(next.text))) return null
    return this.#readBlock(next.indent, depth + 1)
  }
}

function isItem(text: string): boolean {
  return text === '-' || text.startsWith('- ')
}

/** The key of `key: value` or `key:`; undefined when the text is neither. */
function keyOf(text: string): string | undefined {
  return /^([A-Za-z][A-Za-z0-9_./-]*):(?: |$)/.exec(text)?.[1]
}

function readScalar(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text === '{}') return {}
  if (text === '[]') return []
  if (text === '""' || text === "''") return ''
  const quoted = /^"([^"\\]*)"$/.exec(text) ?? /^'([^']*)'$/.exec(text)
  if (quoted) return quoted[1]
  // A plain scalar that begins with a letter or a slash and is no other YAML word is a string, in every YAML version.
  const plain = /^[A-Za-z/][^#:]*(?::[^#: ][^#:]*)*$/.test(text)
  if (!plain || /^(?:null|yes|no|on|off|true|false|y|n)$/i.test(text)) throw notPlain
  return text
}
