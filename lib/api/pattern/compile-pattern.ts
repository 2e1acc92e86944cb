/**
 * Regular expressions that users give, matched in time that grows with the text and the pattern alone: no backtracking. All states that the
 * pattern can be in are followed at once, character by character (Thompson, Pike), and every step is paid for out of a budget.
 *
 *     compilePattern('^(a+)+$').test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaab', { left: 10_000 })   // false, at once
 */

import { wordRanges } from './char-classes.js'
import { parsePattern } from './parse-pattern.js'
import { type Assertion, type CharSet, hasChar, type PatternNode } from './pattern-node.js'

/** What may still be spent. Everything that takes its time by what users wrote pays from one. */
export interface StepBudget {
  left: number
}

/** Thrown when a budget is spent. */
export class BudgetSpent extends Error {
  override readonly name = 'BudgetSpent'
}

export interface Match {
  /** In code points. */
  readonly start: number
  readonly end: number
}

export interface Pattern {
  /** Whether the pattern is found anywhere in the text. Throws BudgetSpent. */
  test(text: string, budget: StepBudget): boolean
  /** The first match from `from` on, as Perl finds it. `chars` are code points. Throws BudgetSpent. */
  find(chars: readonly number[], from: number, budget: StepBudget): Match | undefined
}

/** Steps of a compiled pattern: counted repetitions are written out. */
const maxInstructions = 5_000

type Instruction =
  | { readonly op: 'char'; readonly set: CharSet; next: number }
  | { readonly op: 'assert'; readonly assertion: Assertion; next: number }
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'match' }

/**
 * Throws a SyntaxError that says what is not understood, or that the pattern is
 * too large. Each step of it is paid for where there is a budget.
 */
export function compilePattern(text: string, budget: StepBudget = { left: maxInstructions }): Pattern {
  const program = new Program(budget)
  program.emit(parsePattern(text))
  program.add({ op: 'match' })
  const { instructions } = program
  const find = (chars: readonly number[], from: number, budget: StepBudget) => new Search(instructions, chars, budget, false).run(from)
  return {
    find,
    test: (subject, budget) => new Search(instructions, codePoints(subject), budget, true).run(0) !== undefined,
  }
}

export function codePoints(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0) ?? 0)
}

const tooLarge = () => new SyntaxError('the pattern is too large once its repetitions are written out')

class Program {
  readonly instructions: Instruction[] = []

  constructor(private readonly budget: StepBudget) {}

  add(instruction: Instruction): number {
    this.budget.left--
    if (this.budget.left < 0) throw tooLarge()
    if (this.instructions.length >= maxInstructions) throw tooLarge()
    return this.instructions.push(instruction) - 1
  }

  /** Appends what matches the node; it goes on with what is appended next. */
  emit(node: PatternNode): void {
    switch (node.type) {
      case 'set':
        this.add({ op: 'char', set: node.set, next: this.instructions.length + 1 })
        return
      case 'assertion':
        this.add({ op: 'assert', assertion: node.assertion, next: this.instructions.length + 1 })
        return
      case 'sequence':
        for (const part of node.parts) this.emit(part)
        return
      case 'choice':
        this.#emitChoice(node.branches)
        return
      case 'repeat':
        this.#emitRepeat(node)
    }
  }

  #emitChoice(branches: readonly PatternNode[]): void {
    const ends: Extract<Instruction, { op: 'split' }>[] = []
    for (const [index, branch] of branches.entries()) {
      const isLast = index === branches.length - 1
      const fork = isLast ? undefined : this.#split()
      if (fork) fork.first = this.instructions.length
      this.emit(branch)
      if (!isLast) ends.push(this.#split())
      if (fork) fork.second = this.instructions.length
    }
    for (const end of ends) end.first = end.second = this.instructions.length
  }

  #emitRepeat({ part, min, max, greedy }: Extract<PatternNode, { type: 'repeat' }>): void {
    for (let index = 0; index < min; index++) this.emit(part)
    if (max === Number.POSITIVE_INFINITY) {
      const start = this.instructions.length
      const fork = this.#split()
      this.emit(part)
      const back = this.#split()
      back.first = back.second = start
      this.#aim(fork, start + 1, this.instructions.length, greedy)
      return
    }
    const forks: [Extract<Instruction, { op: 'split' }>, number][] = []
    for (let index = min; index < max; index++) {
      const fork = this.#split()
      forks.push([fork, this.instructions.length])
      this.emit(part)
    }
    for (const [fork, inside] of forks) this.#aim(fork, inside, this.instructions.length, greedy)
  }

  #aim(fork: Extract<Instruction, { op: 'split' }>, inside: number, outside: number, greedy: boolean): void {
    fork.first = greedy ? inside : outside
    fork.second = greedy ? outside : inside
  }

  #split(): Extract<Instruction, { op: 'split' }> {
    const fork = { op: 'split' as const, first: 0, second: 0 }
    this.add(fork)
    return fork
  }
}

/** The states that the pattern is in, most wanted first, each with where its match began. */
interface Threads {
  readonly at: number[]
  readonly starts: number[]
}

class Search {
  /** By instruction: the position at which it was last reached. */
  readonly #reached: Int32Array
  readonly #open: number[] = []

  constructor(
    private readonly program: readonly Instruction[],
    private readonly chars: readonly number[],
    private readonly budget: StepBudget,
    private readonly anyMatch: boolean,
  ) {
    this.#reached = new Int32Array(program.length).fill(-1)
  }

  run(from: number): Match | undefined {
    let current: Threads = { at: [], starts: [] }
    let found: Match | undefined
    for (let position = from; ; position++) {
      if (!found) this.#follow(current, 0, position, position)
      const next: Threads = { at: [], starts: [] }
      const char = this.chars[position]
      for (let index = 0; index < current.at.length; index++) {
        const instruction = this.program[current.at[index] as number]
        const start = current.starts[index] as number
        if (instruction?.op === 'match') {
          found = { start, end: position }
          break
        }
        if (char !== undefined && instruction?.op === 'char' && hasChar(instruction.set, char))
          this.#follow(next, instruction.next, start, position + 1)
      }
      if ((found && (this.anyMatch || next.at.length === 0)) || position >= this.chars.length) return found
      current = next
    }
  }

  /** Adds the states that are reached without a character. Each counts once at a position: the first way is the wanted one. */
  #follow(threads: Threads, from: number, start: number, position: number): void {
    const open = this.#open
    open.push(from)
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      this.budget.left--
      if (this.budget.left < 0) throw new BudgetSpent('matching the pattern takes too long')
      if (this.#reached[at] === position) continue
      this.#reached[at] = position
      const instruction = this.program[at]
      if (instruction?.op === 'split') open.push(instruction.second, instruction.first)
      else if (instruction?.op === 'assert') {
        if (this.#holds(instruction.assertion, position)) open.push(instruction.next)
      } else {
        threads.at.push(at)
        threads.starts.push(start)
      }
    }
  }

  #holds(assertion: Assertion, position: number): boolean {
    switch (assertion) {
      case 'textStart':
        return position === 0
      case 'textEnd':
        return position === this.chars.length
      case 'lineStart':
        return position === 0 || this.chars[position - 1] === 0x0a
      case 'lineEnd':
        return position === this.chars.length || this.chars[position] === 0x0a
      default:
        return (isWord(this.chars[position - 1]) !== isWord(this.chars[position])) === (assertion === 'wordBoundary')
    }
  }
}

function isWord(char: number | undefined): boolean {
  return char !== undefined && wordRanges.some(([low, high]) => char >= low && char <= high)
}
