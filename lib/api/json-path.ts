/**
 * kubectl's JSONPath: `.spec.ports[0].name`, `['a.b']`, `.labels.a\.b`, `[-1:]`, `[*]`,
 * `..name`, `[0,2]`, `[?(@.type=="Ready")]`. Own properties only.
 */

type Step =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'all' }
  | { readonly type: 'descend'; readonly name: string }
  | { readonly type: 'slice'; readonly start: number | undefined; readonly end: number | undefined; readonly step: number }
  | { readonly type: 'indexes'; readonly indexes: readonly number[] }
  | { readonly type: 'fields'; readonly names: readonly string[] }
  | { readonly type: 'filter'; readonly path: readonly Step[]; readonly operator: FilterOperator; readonly value: unknown }

type FilterOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'exists'

/** All values at the path; empty when there is none. */
export type JsonPath = (value: unknown) => unknown[]

/** Compiles a path. Throws a SyntaxError that shows the path and the place. */
export function compileJsonPath(path: string): JsonPath {
  const steps = new Parser(path).parse()
  return (value) => select(steps, value)
}

function select(steps: readonly Step[], root: unknown): unknown[] {
  let values: unknown[] = [root]
  for (const step of steps) {
    const next: unknown[] = []
    for (const value of values) apply(step, value, next)
    values = next
    if (values.length === 0) break
  }
  return values
}

function apply(step: Step, value: unknown, out: unknown[]): void {
  switch (step.type) {
    case 'field':
      pushField(value, step.name, out)
      return
    case 'fields':
      for (const name of step.names) pushField(value, name, out)
      return
    case 'all':
      if (Array.isArray(value)) out.push(...value)
      else if (isRecord(value)) out.push(...Object.values(value))
      return
    case 'descend':
      descend(value, step.name, out)
      return
    case 'indexes':
      if (Array.isArray(value))
        for (const index of step.indexes) {
          const at = index < 0 ? value.length + index : index
          if (at >= 0 && at < value.length) out.push(value[at])
        }
      return
    case 'slice':
      if (Array.isArray(value)) {
        const part = value.slice(step.start, step.end)
        out.push(...(step.step === 1 ? part : part.filter((_item, index) => index % step.step === 0)))
      }
      return
    case 'filter':
      for (const item of Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [])
        if (passesFilter(step, item)) out.push(item)
  }
}

function pushField(value: unknown, name: string, out: unknown[]): void {
  if (isRecord(value) && Object.hasOwn(value, name)) out.push(value[name])
}

function descend(value: unknown, name: string, out: unknown[]): void {
  if (name === '*') out.push(value)
  else pushField(value, name, out)
  for (const child of Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : []) descend(child, name, out)
}

function passesFilter(filter: Step & { type: 'filter' }, item: unknown): boolean {
  const found = select(filter.path, item)
  if (filter.operator === 'exists') return found.length > 0
  const [left] = found
  if (found.length === 0) return false
  const right = filter.value
  switch (filter.operator) {
    case '==':
      return left === right
    case '!=':
      return left !== right
    default:
      return ordered(left, filter.operator, right)
  }
}

function ordered(left: unknown, operator: FilterOperator, right: unknown): boolean {
  const comparable = (typeof left === 'number' && typeof right === 'number') || (typeof left === 'string' && typeof right === 'string')
  if (!comparable) return false
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  if (operator === '>') return left > right
  return left >= right
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

class Parser {
  private at = 0
  private readonly text: string

  constructor(path: string) {
    const trimmed = path.trim()
    const inner = trimmed.startsWith('{') && trimmed.endsWith('}') ? trimmed.slice(1, -1) : trimmed
    this.text = inner.startsWith('$') || inner.startsWith('@') ? inner.slice(1) : inner
  }

  parse(): Step[] {
    const steps: Step[] = []
    while (this.at < this.text.length) {
      if (this.text.startsWith('..', this.at)) {
        this.at += 2
        steps.push({ type: 'descend', name: this.take('*') ? '*' : this.name() })
      } else if (this.take('.')) {
        if (this.at === this.text.length && steps.length === 0) return steps
        if (this.peek() === '[') continue
        steps.push(this.take('*') ? { type: 'all' } : { type: 'field', name: this.name() })
      } else if (this.take('[')) {
        steps.push(this.bracket())
      } else if (steps.length === 0) {
        steps.push({ type: 'field', name: this.name() })
      } else this.fail('expected . or [')
    }
    return steps
  }

  private name(): string {
    let name = ''
    while (this.at < this.text.length) {
      const char = this.text[this.at] ?? ''
      if (char === '\\') {
        name += this.text[this.at + 1] ?? ''
        this.at += 2
      } else if (char === '.' || char === '[' || char === ']') break
      else {
        name += char
        this.at++
      }
    }
    if (name === '') this.fail('expected a field name')
    return name
  }

  private bracket(): Step {
    if (this.take('?(')) return this.filter()
    const body = this.until(']')
    if (body === '*') return { type: 'all' }
    if (/^\s*['"]/.test(body))
      return {
        type: 'fields',
        names: [...body.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map((match) =>
          (match[1] ?? match[2] ?? '').replace(/\\(.)/g, '$1'),
        ),
      }
    if (/^-?\d+(,-?\d+)*$/.test(body)) return { type: 'indexes', indexes: body.split(',').map(Number) }
    const slice = /^(-?\d+)?:(-?\d+)?(?::(\d+))?$/.exec(body)
    if (!slice) return this.fail(`cannot read [${body}]`)
    const [, start, end, step] = slice
    return {
      type: 'slice',
      start: start === undefined ? undefined : Number(start),
      end: end === undefined ? undefined : Number(end),
      step: Math.max(1, Number(step ?? 1)),
    }
  }

  private filter(): Step {
    const body = this.until(')]')
    const match = /^\s*@?(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*?)\s*$/.exec(body)
    if (!match) return { type: 'filter', path: new Parser(body.trim()).parse(), operator: 'exists', value: undefined }
    const [, left = '', operator = '==', right = ''] = match
    return { type: 'filter', path: new Parser(left.trim()).parse(), operator: operator as FilterOperator, value: this.literal(right) }
  }

  private literal(text: string): unknown {
    const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(text)
    if (quoted) return quoted[1] ?? quoted[2]
    if (text === 'true' || text === 'false') return text === 'true'
    if (text === 'null') return null
    if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
    return this.fail(`cannot read the value ${text}`)
  }

  /** The text up to the closing mark outside quotes; moves behind it. */
  private until(close: string): string {
    let quote = ''
    for (let index = this.at; index < this.text.length; index++) {
      const char = this.text[index] ?? ''
      if (quote !== '') {
        if (char === '\\') index++
        else if (char === quote) quote = ''
      } else if (char === "'" || char === '"') quote = char
      else if (this.text.startsWith(close, index)) {
        const body = this.text.slice(this.at, index)
        this.at = index + close.length
        return body
      }
    }
    return this.fail(`expected ${close}`)
  }

  private peek(): string | undefined {
    return this.text[this.at]
  }

  private take(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  private fail(why: string): never {
    throw new SyntaxError(`invalid JSONPath "${this.text}": ${why} at position ${this.at}`)
  }
}
