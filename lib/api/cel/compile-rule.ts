import type { ASTNode, Environment } from '@marcbachmann/cel-js'
import { isComprehension } from './cel-evaluator.js'
import { celFunctions, celNamespaces } from './cel-library.js'

/** Characters that an expression may have. */
const maxLength = 5_000
/** Lists that are run over one within the other: with more, no budget would be enough. */
const maxNesting = 4

/** An expression that was parsed and checked. */
export interface CompiledExpression {
  readonly node: ASTNode
  readonly usesOld: boolean
}

/** Throws a SyntaxError that says why the expression cannot be had. `type` is what it must give. */
export function compileExpression(environment: Environment, text: string, type: 'bool' | 'string'): CompiledExpression {
  if (text.length > maxLength) throw new SyntaxError(`at most ${maxLength} characters are allowed`)
  const parsed = attempt(() => environment.parse(text))
  const checked = attempt(() => parsed.check())
  if (!checked.valid) throw new SyntaxError(summaryOf(checked.error))
  if (checked.type !== type && checked.type !== 'dyn') throw new SyntaxError(`must evaluate to a ${type}, not ${checked.type}`)
  const survey = new Survey(environment, text)
  survey.visit(parsed.ast, 0)
  return { node: parsed.ast, usesOld: survey.usesOld }
}

function attempt<T>(step: () => T): T {
  try {
    return step()
  } catch (error) {
    throw new SyntaxError(error instanceof RangeError ? 'it nests too deep' : summaryOf(error))
  }
}

/** The package's messages show the whole text with a mark; the first line says what is wrong. */
function summaryOf(error: unknown): string {
  const { summary, message } = (error ?? {}) as { summary?: string; message?: string }
  return (summary ?? message ?? 'it cannot be read').split('\n', 1)[0] ?? ''
}

/** Looks for what the package reads and the evaluator has not. */
class Survey {
  usesOld = false

  constructor(
    private readonly environment: Environment,
    private readonly text: string,
  ) {}

  visit(node: ASTNode, nesting: number): void {
    switch (node.op) {
      case 'value':
        if (typeof node.args === 'object' && node.args !== null && !(node.args instanceof Uint8Array))
          throw new SyntaxError('unsigned integers are not supported')
        return
      case 'id':
        if (node.args === 'oldSelf') this.usesOld = true
        return
      case '.':
      case '.?':
        this.visit(node.args[0], nesting)
        return
      case '!_':
      case '-_':
        this.visit(node.args, nesting)
        return
      case 'list':
        for (const item of node.args) this.visit(item, nesting)
        return
      case 'map':
        for (const [key, value] of node.args) {
          this.visit(key, nesting)
          this.visit(value, nesting)
        }
        return
      case 'call':
        this.#visitCall(node.args[0], node.args[1], nesting)
        return
      case 'rcall':
        this.#visitMethod(node.args[0], node.args[1], node.args[2], nesting)
        return
      default:
        for (const part of node.args) this.visit(part, nesting)
    }
  }

  #visitCall(name: string, args: readonly ASTNode[], nesting: number): void {
    const [field] = args
    if (name === 'has' && field) this.#checkField(field)
    else this.#require(`${name}/${args.length}`, name)
    for (const arg of args) this.visit(arg, nesting)
  }

  #visitMethod(name: string, receiver: ASTNode, args: readonly ASTNode[], nesting: number): void {
    const isNamespace = receiver.op === 'id' && (receiver.args === 'cel' || celNamespaces.has(receiver.args))
    if (!isNamespace) this.visit(receiver, nesting)
    const runs = args[0]?.op === 'id' && isComprehension(name, args.length)
    if (runs && nesting >= maxNesting) throw new SyntaxError(`at most ${maxNesting} lists may be run over within each other`)
    const isMacro =
      runs || (isNamespace && receiver.args === 'cel' && name === 'bind') || (args.length === 1 && (name === 'or' || name === 'orValue'))
    if (!isMacro) this.#require(`${isNamespace ? `${String(receiver.args)}.` : '.'}${name}/${args.length}`, name)
    for (const arg of args) this.visit(arg, runs ? nesting + 1 : nesting)
  }

  #require(key: string, name: string): void {
    if (!celFunctions.has(key)) throw new SyntaxError(`the function ${name} is not supported with these arguments`)
  }

  /** The package takes any name in has(); a field that the schema does not have would never be there. */
  #checkField(node: ASTNode): void {
    const text = this.text.slice(node.start, node.end)
    if (!/^(self|oldSelf)\./.test(text)) return
    const checked = this.environment.check(text)
    if (!checked.valid) throw new SyntaxError(summaryOf(checked.error))
  }
}
