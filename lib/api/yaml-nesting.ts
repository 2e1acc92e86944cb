import { Lexer } from 'yaml'
import { maxNesting } from './json/scan-json.js'

/** A block that is open: where it began, and whether it is a sequence. */
interface OpenBlock {
  readonly column: number
  readonly sequence: boolean
}

/** The lexer's marks; they have no width. */
const marks = new Set(['\u0002', '\u0018', '\u001f', '\ufeff'])
const scalarMark = '\u001f'

/**
 * Whether YAML nests deeper than JSON may (maxNesting); asked before any parse. It counts over the lexer's output,
 * which does not recurse: the parser does, and a few KB of brackets can end the process, which no catch prevents. A
 * scalar counts as a level of its own, so one more is allowed.
 */
export function isYamlTooDeep(text: string): boolean {
  const counter = new NestingCounter()
  for (const lexeme of new Lexer().lex(text)) if (counter.read(lexeme) > maxNesting + 1) return true
  return false
}

class NestingCounter {
  readonly #blocks: OpenBlock[] = []
  #flow = 0
  #column = 0
  /** Whether only white space and indicators were seen on this line. */
  #lineStart = true
  /** Implicit keys since the last line, comma or bracket: `a: b: c:` is no YAML, but the parser descends all the same. */
  #colons = 0
  #scalarNext = false

  /** Takes the next lexeme; gives the levels that are open behind it. */
  read(lexeme: string): number {
    if (marks.has(lexeme)) {
      this.#scalarNext = lexeme === scalarMark
      return this.#open
    }
    if (this.#scalarNext) this.#readContent()
    else this.#readSyntax(lexeme)
    this.#scalarNext = false
    this.#advance(lexeme)
    return this.#open
  }

  get #open(): number {
    return this.#blocks.length + this.#flow + this.#colons
  }

  #readSyntax(lexeme: string): void {
    switch (lexeme) {
      case '[':
      case '{':
        this.#readContent()
        this.#flow++
        this.#colons = 0
        return
      case ']':
      case '}':
        this.#flow = Math.max(0, this.#flow - 1)
        this.#colons = 0
        return
      case ',':
        this.#colons = 0
        return
      case '-':
      case '?':
      case ':':
        if (this.#lineStart && this.#flow === 0) this.#openBlock(lexeme === '-')
        else if (lexeme !== '-') this.#colons++
    }
  }

  #readContent(): void {
    if (this.#lineStart && this.#flow === 0) this.#openBlock(false)
    this.#lineStart = false
  }

  /** A block begins at this column, or goes on; blocks that began further right have ended. */
  #openBlock(sequence: boolean): void {
    const column = this.#column
    const ended = (block: OpenBlock) => block.column > column || (block.column === column && block.sequence && !sequence)
    for (let top = this.#blocks.at(-1); top && ended(top); top = this.#blocks.at(-1)) this.#blocks.pop()
    const top = this.#blocks.at(-1)
    if (top?.column !== column || top.sequence !== sequence) this.#blocks.push({ column, sequence })
  }

  #advance(lexeme: string): void {
    const newline = lexeme.lastIndexOf('\n')
    if (newline === -1) {
      this.#column += lexeme.length
      return
    }
    this.#column = lexeme.length - newline - 1
    this.#lineStart = true
    this.#colons = 0
  }
}
