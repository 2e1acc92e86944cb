/** Reads the syntax of RE2: that of Perl without what needs backtracking (references back, looking around). */
import { asciiClasses, foldCase, perlClasses, unicodeClass } from './char-classes.js'
import { type Assertion, type CharSet, charSet, type PatternNode } from './pattern-node.js'

/** Characters that a pattern may have. */
export const maxPatternLength = 10_000
const maxRepeat = 1_000
const maxGroups = 200

interface Flags {
  readonly ignoreCase: boolean
  readonly multiline: boolean
  readonly dotAll: boolean
  readonly ungreedy: boolean
}

const noFlags: Flags = { ignoreCase: false, multiline: false, dotAll: false, ungreedy: false }
const anything = charSet([[0, 0x10ffff]])
const allButNewline = charSet([[0x0a, 0x0a]], true)
const nothing: PatternNode = { type: 'sequence', parts: [] }

/** Throws a SyntaxError that says what is not understood. */
export function parsePattern(text: string): PatternNode {
  if (text.length > maxPatternLength) throw new SyntaxError(`a pattern has at most ${maxPatternLength} characters`)
  return new Parser([...text]).parse()
}

class Parser {
  #at = 0
  #depth = 0
  #flags = noFlags

  constructor(private readonly chars: readonly string[]) {}

  parse(): PatternNode {
    const node = this.#choice()
    if (this.#at < this.chars.length) throw new SyntaxError('unexpected )')
    return node
  }

  #choice(): PatternNode {
    const branches = [this.#sequence()]
    while (this.#take('|')) branches.push(this.#sequence())
    return branches.length === 1 ? (branches[0] ?? nothing) : { type: 'choice', branches }
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = []
    while (this.#at < this.chars.length && this.#peek() !== '|' && this.#peek() !== ')') {
      if (this.#takeAll('\\Q')) {
        while (this.#at < this.chars.length && !this.#takeAll('\\E')) parts.push(this.#literal(this.#next()))
        continue
      }
      const part = this.#atom()
      if (part) parts.push(this.#repeated(part))
    }
    return { type: 'sequence', parts }
  }

  #repeated(part: PatternNode): PatternNode {
    const bounds = this.#bounds()
    if (!bounds) return part
    const lazy = this.#take('?')
    const node: PatternNode = { type: 'repeat', part, ...bounds, greedy: lazy === this.#flags.ungreedy }
    if (this.#bounds()) throw new SyntaxError('invalid nested repetition operator')
    return node
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { min: 0, max: 1 }
    if (this.#peek() !== '{') return undefined
    const counted = /^\{(\d{1,6})(,(\d{1,6})?)?\}/.exec(this.chars.slice(this.#at, this.#at + 16).join(''))
    if (!counted) return undefined
    this.#at += counted[0].length
    const min = Number(counted[1])
    const max = counted[2] === undefined ? min : counted[3] === undefined ? Number.POSITIVE_INFINITY : Number(counted[3])
    if (max < min || min > maxRepeat || (max > maxRepeat && max !== Number.POSITIVE_INFINITY))
      throw new SyntaxError(`invalid repeat count: ${counted[0]} (at most ${maxRepeat})`)
    return { min, max }
  }

  #atom(): PatternNode | undefined {
    const char = this.#next()
    switch (char) {
      case '(':
        return this.#group()
      case '[':
        return { type: 'set', set: this.#class() }
      case '.':
        return { type: 'set', set: this.#flags.dotAll ? anything : allButNewline }
      case '^':
        return assertion(this.#flags.multiline ? 'lineStart' : 'textStart')
      case '$':
        return assertion(this.#flags.multiline ? 'lineEnd' : 'textEnd')
      case '*':
      case '+':
      case '?':
        throw new SyntaxError(`missing argument to repetition operator: ${char}`)
      case '\\':
        return this.#escape()
      default:
        return this.#literal(char)
    }
  }

  /** Undefined for `(?i)`, which changes what follows and is nothing itself. */
  #group(): PatternNode | undefined {
    if (++this.#depth > maxGroups) throw new SyntaxError('groups nest too deep')
    const outer = this.#flags
    if (this.#take('?') && !this.#groupName()) {
      const flags = this.#readFlags()
      if (this.#take(')')) {
        this.#flags = flags
        this.#depth--
        return undefined
      }
      if (!this.#take(':')) throw new SyntaxError('invalid or unsupported Perl syntax after (?')
      this.#flags = flags
    }
    const node = this.#choice()
    if (!this.#take(')')) throw new SyntaxError('missing closing )')
    this.#flags = outer
    this.#depth--
    return node
  }

  #groupName(): boolean {
    const named = /^P?<([A-Za-z_]\w*)>/.exec(this.chars.slice(this.#at, this.#at + 100).join(''))
    if (!named) return false
    this.#at += named[0].length
    return true
  }

  #readFlags(): Flags {
    const flags = { ...this.#flags }
    const names = { i: 'ignoreCase', m: 'multiline', s: 'dotAll', U: 'ungreedy' } as const
    let value = true
    for (let char = this.#peek(); char !== undefined && char !== ')' && char !== ':'; char = this.#peek()) {
      this.#at++
      if (char === '-' && value) value = false
      else if (char === 'i' || char === 'm' || char === 's' || char === 'U') flags[names[char]] = value
      else throw new SyntaxError(`invalid or unsupported Perl syntax: (?${char}`)
    }
    return flags
  }

  #escape(): PatternNode {
    const char = this.#peek()
    const found = { A: 'textStart', z: 'textEnd', b: 'wordBoundary', B: 'noWordBoundary' } as const
    if (char === 'A' || char === 'z' || char === 'b' || char === 'B') {
      this.#at++
      return assertion(found[char])
    }
    const set = this.#escapedSet()
    return { type: 'set', set: this.#flags.ignoreCase ? foldCase(set) : set }
  }

  /** What stands behind a backslash, within a class or outside. */
  #escapedSet(): CharSet {
    const char = this.#at < this.chars.length ? this.#next() : ''
    const perl = Object.hasOwn(perlClasses, char) ? perlClasses[char] : undefined
    if (perl) return perl
    if (char === 'p' || char === 'P') return this.#property(char === 'P')
    const code = this.#escapedChar(char)
    return charSet([[code, code]])
  }

  #property(negated: boolean): CharSet {
    let name = this.#next()
    if (name === '{') {
      const end = this.chars.indexOf('}', this.#at)
      name = end === -1 ? '' : this.chars.slice(this.#at, end).join('')
      this.#at = end + 1
    }
    const inverted = name.startsWith('^')
    const set = /^\^?\w{1,60}$/.test(name) ? unicodeClass(inverted ? name.slice(1) : name, negated !== inverted) : undefined
    if (!set) throw new SyntaxError(`invalid character class range: \\p{${name}}`)
    return set
  }

  #escapedChar(char: string): number {
    const control = { a: 0x07, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b }[char]
    if (control !== undefined) return control
    const rest = this.chars.slice(this.#at, this.#at + 10).join('')
    if (char === 'x') {
      const hex = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(rest)
      const code = Number.parseInt(hex?.[1] ?? hex?.[2] ?? 'x', 16)
      if (!hex || code > 0x10ffff) throw new SyntaxError('invalid escape sequence: \\x')
      this.#at += hex[0].length
      return code
    }
    if (char === '0') {
      const octal = /^[0-7]{0,2}/.exec(rest)?.[0] ?? ''
      this.#at += octal.length
      return Number.parseInt(`0${octal}`, 8)
    }
    if (char === '' || /[A-Za-z0-9]/.test(char)) throw new SyntaxError(`invalid escape sequence: \\${char}`)
    return char.codePointAt(0) ?? 0
  }

  #class(): CharSet {
    const negated = this.#take('^')
    const ranges: (readonly [number, number])[] = []
    const sets: CharSet[] = []
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#at >= this.chars.length) throw new SyntaxError('missing closing ]')
      const named = this.#asciiClass()
      if (named) {
        sets.push(named)
        continue
      }
      const low = this.#classMember()
      if (typeof low !== 'number') sets.push(low)
      else if (this.#peek() === '-' && this.chars[this.#at + 1] !== ']') {
        this.#at++
        const high = this.#classMember()
        if (typeof high !== 'number' || high < low) throw new SyntaxError('invalid character class range')
        ranges.push([low, high])
      } else ranges.push([low, low])
    }
    this.#at++
    const folded = this.#flags.ignoreCase ? foldCase(charSet(ranges)).ranges : ranges
    return { ranges: folded, properties: [], negated, sets: this.#flags.ignoreCase ? sets.map(foldCase) : sets }
  }

  #asciiClass(): CharSet | undefined {
    if (this.#peek() !== '[') return undefined
    const named = /^\[:(\^?)(\w+):\]/.exec(this.chars.slice(this.#at, this.#at + 20).join(''))
    if (!named) return undefined
    const ranges = Object.hasOwn(asciiClasses, named[2] ?? '') ? asciiClasses[named[2] ?? ''] : undefined
    if (!ranges) throw new SyntaxError(`invalid character class range: ${named[0]}`)
    this.#at += named[0].length
    return charSet(ranges, named[1] === '^')
  }

  #classMember(): number | CharSet {
    const char = this.#next()
    if (char !== '\\') return char.codePointAt(0) ?? 0
    const set = this.#escapedSet()
    const [only, ...others] = set.ranges
    const isOne = only !== undefined && others.length === 0 && only[0] === only[1] && !set.negated
    return isOne ? only[0] : set
  }

  #literal(char: string): PatternNode {
    const code = char.codePointAt(0) ?? 0
    const set = charSet([[code, code]])
    return { type: 'set', set: this.#flags.ignoreCase ? foldCase(set) : set }
  }

  #peek(): string | undefined {
    return this.chars[this.#at]
  }

  #next(): string {
    const char = this.chars[this.#at]
    if (char === undefined) throw new SyntaxError('the pattern ends too early')
    this.#at++
    return char
  }

  #take(char: string): boolean {
    if (this.chars[this.#at] !== char) return false
    this.#at++
    return true
  }

  #takeAll(text: string): boolean {
    if (![...text].every((char, index) => this.chars[this.#at + index] === char)) return false
    this.#at += text.length
    return true
  }
}

const assertion = (which: Assertion): PatternNode => ({ type: 'assertion', assertion: which })
