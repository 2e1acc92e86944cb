/**
 * Runs a parsed rule. The package that parses and checks it could run it too, but for as long as the rule likes; here every step is paid
 * for out of a budget, regular expressions take linear time, and positions in texts count characters.
 */
import type { ASTNode } from '@marcbachmann/cel-js'
import { celEquals, compareValues, pay } from './cel-equality.js'
import type { CelContext } from './cel-function.js'
import { celFunctions, celNamespaces } from './cel-library.js'
import { checkedDuration } from './cel-time.js'
import { CelDuration, CelError, CelOptional, CelTime, CelType, checkedInt, isMapLike, keysOf, memberOf, typeNameOf } from './cel-value.js'
import { fieldName } from './field-name.js'

/** What names mean, the innermost first. */
export interface Variables {
  readonly name: string
  readonly value: unknown
  readonly outer?: Variables | undefined
}

/** The value of the expression. Throws CelError for what has none, BudgetSpent when it costs too much. */
export function evaluateCel(node: ASTNode, variables: Variables, context: CelContext): unknown {
  return new Evaluator(context).run(node, variables)
}

function variableOf(name: string, variables: Variables): Variables | undefined {
  let at: Variables | undefined = variables
  while (at && at.name !== name) at = at.outer
  return at
}

const typeNames = new Set(['int', 'double', 'string', 'bool', 'bytes', 'list', 'map', 'null_type', 'type'])

class Evaluator {
  constructor(private readonly context: CelContext) {}

  run(node: ASTNode, variables: Variables): unknown {
    pay(this.context.budget, 1)
    switch (node.op) {
      case 'value':
        return node.args
      case 'id':
        return this.#variable(node.args, variables)
      case '.':
        return this.#field(this.run(node.args[0], variables), fieldName(node.args[1]))
      case '.?':
        return this.#optionalField(this.run(node.args[0], variables), fieldName(node.args[1]))
      case '[]':
        return this.#field(this.run(node.args[0], variables), this.run(node.args[1], variables))
      case '[?]':
        return this.#optionalField(this.run(node.args[0], variables), this.run(node.args[1], variables))
      case 'list':
        return node.args.map((item) => this.run(item, variables))
      case 'map':
        return new Map(node.args.map(([key, value]) => [this.run(key, variables), this.run(value, variables)]))
      case '?:':
        return this.run(this.#condition(node.args[0], variables) ? node.args[1] : node.args[2], variables)
      case '||':
        return this.#either(node.args, true, variables)
      case '&&':
        return this.#either(node.args, false, variables)
      case '!_':
        return !this.#condition(node.args, variables)
      case '-_':
        return this.#negative(this.run(node.args, variables))
      case 'call':
        return this.#call(node.args[0], node.args[1], variables)
      case 'rcall':
        return this.#method(node.args[0], node.args[1], node.args[2], variables)
      default:
        return this.#binary(node.op, this.run(node.args[0], variables), this.run(node.args[1], variables))
    }
  }

  #variable(name: string, variables: Variables): unknown {
    const found = variableOf(name, variables)
    if (found) return found.value
    if (typeNames.has(name)) return new CelType(name)
    throw new CelError(`undeclared reference to ${name}`)
  }

  #field(value: unknown, key: unknown): unknown {
    if (value instanceof CelOptional) return value.present ? this.#optionalField(value.value, key) : value
    if (Array.isArray(value)) {
      const item: unknown = value[Number(key)]
      if (typeof key === 'string' || item === undefined) throw new CelError(`index out of bounds: ${String(key)}`)
      return item
    }
    const member = isMapLike(value) ? memberOf(value, key) : undefined
    if (member === undefined) throw new CelError(`no such key: ${String(key)}`)
    return member
  }

  #optionalField(value: unknown, key: unknown): CelOptional {
    if (value instanceof CelOptional) return value.present ? this.#optionalField(value.value, key) : value
    if (Array.isArray(value)) return new CelOptional(typeof key === 'string' ? undefined : value[Number(key)])
    return new CelOptional(isMapLike(value) ? memberOf(value, key) : undefined)
  }

  #condition(node: ASTNode, variables: Variables): boolean {
    const value = this.run(node, variables)
    if (typeof value === 'boolean') return value
    throw new CelError(`a condition is ${typeNameOf(value)}, not bool`)
  }

  /** One side that decides makes up for an error in the other, whichever comes first. */
  #either([left, right]: readonly [ASTNode, ASTNode], decisive: boolean, variables: Variables): boolean {
    let failure: unknown
    try {
      if (this.#condition(left, variables) === decisive) return decisive
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      failure = error
    }
    if (this.#condition(right, variables) === decisive) return decisive
    if (failure) throw failure
    return !decisive
  }

  #negative(value: unknown): unknown {
    if (typeof value === 'bigint') return checkedInt(-value)
    if (typeof value === 'number') return -value
    if (value instanceof CelDuration) return new CelDuration(-value.nanos)
    throw new CelError(`${typeNameOf(value)} has no negative`)
  }

  #call(name: string, args: readonly ASTNode[], variables: Variables): unknown {
    if (name === 'has' && args[0]) return this.#has(args[0], variables)
    return this.#apply(
      `${name}/${args.length}`,
      args.map((arg) => this.run(arg, variables)),
    )
  }

  #has(node: ASTNode, variables: Variables): boolean {
    if (node.op !== '.' && node.op !== '.?') throw new CelError('has() needs a field')
    const value = this.run(node.args[0], variables)
    return this.#optionalField(value, fieldName(node.args[1])).present
  }

  #method(name: string, receiver: ASTNode, args: readonly ASTNode[], variables: Variables): unknown {
    const [first, second, third] = args
    if (receiver.op === 'id' && receiver.args === 'cel' && name === 'bind' && first?.op === 'id' && second && third)
      return this.run(third, { name: first.args, value: this.run(second, variables), outer: variables })
    if (receiver.op === 'id' && celNamespaces.has(receiver.args) && !variableOf(receiver.args, variables))
      return this.#apply(
        `${receiver.args}.${name}/${args.length}`,
        args.map((arg) => this.run(arg, variables)),
      )
    if (first?.op === 'id' && second && isComprehension(name, args.length)) {
      const items = this.#items(this.run(receiver, variables))
      return this.#comprehend(name, items, (item) => ({ name: first.args, value: item, outer: variables }), second, third)
    }
    const value = this.run(receiver, variables)
    if (first && (name === 'or' || name === 'orValue') && value instanceof CelOptional)
      return value.present ? (name === 'or' ? value : value.value) : this.run(first, variables)
    return this.#apply(`.${name}/${args.length}`, [value, ...args.map((arg) => this.run(arg, variables))])
  }

  #apply(key: string, args: readonly unknown[]): unknown {
    const found = celFunctions.get(key)
    if (!found) throw new CelError(`no such function: ${key}`)
    return found.run(this.context, ...args)
  }

  #items(value: unknown): readonly unknown[] {
    if (Array.isArray(value)) return value
    if (isMapLike(value)) return keysOf(value)
    throw new CelError(`${typeNameOf(value)} has no items`)
  }

  #comprehend(
    name: string,
    items: readonly unknown[],
    scopeOf: (item: unknown) => Variables,
    second: ASTNode,
    third: ASTNode | undefined,
  ): unknown {
    if (name === 'all') return this.#quantify(items, scopeOf, second, false)
    if (name === 'exists') return this.#quantify(items, scopeOf, second, true)
    const results: unknown[] = []
    for (const item of items) {
      const scope = scopeOf(item)
      pay(this.context.budget, 2)
      if (name === 'map' && !third) results.push(this.run(second, scope))
      else if (this.#condition(second, scope)) results.push(name === 'map' && third ? this.run(third, scope) : item)
    }
    return name === 'exists_one' || name === 'existsOne' ? results.length === 1 : results
  }

  /** An item that decides makes up for the errors of others. */
  #quantify(items: readonly unknown[], scopeOf: (item: unknown) => Variables, predicate: ASTNode, decisive: boolean): boolean {
    let failure: unknown
    for (const item of items) {
      pay(this.context.budget, 2)
      try {
        if (this.#condition(predicate, scopeOf(item)) === decisive) return decisive
      } catch (error) {
        if (!(error instanceof CelError)) throw error
        failure ??= error
      }
    }
    if (failure) throw failure
    return !decisive
  }

  #binary(operator: string, left: unknown, right: unknown): unknown {
    const { budget } = this.context
    switch (operator) {
      case '==':
        return celEquals(left, right, budget)
      case '!=':
        return !celEquals(left, right, budget)
      case '<':
        return this.#compare(left, right) < 0
      case '<=':
        return this.#compare(left, right) <= 0
      case '>':
        return this.#compare(left, right) > 0
      case '>=':
        return this.#compare(left, right) >= 0
      case 'in':
        return Array.isArray(right)
          ? right.some((item) => celEquals(left, item, budget))
          : isMapLike(right) && memberOf(right, left) !== undefined
      default:
        return this.#calculate(operator, left, right)
    }
  }

  #compare(left: unknown, right: unknown): number {
    if (typeof left === 'string') pay(this.context.budget, left.length / 20)
    return compareValues(left, right)
  }

  #calculate(operator: string, left: unknown, right: unknown): unknown {
    if (typeof left === 'bigint' && typeof right === 'bigint') return whole(operator, left, right)
    if (typeof left === 'number' && typeof right === 'number') return fraction(operator, left, right)
    if (operator === '+' && typeof left === 'string' && typeof right === 'string') {
      pay(this.context.budget, (left.length + right.length) / 10)
      return left + right
    }
    if (operator === '+' && Array.isArray(left) && Array.isArray(right)) {
      pay(this.context.budget, left.length + right.length)
      return [...left, ...right]
    }
    if (left instanceof CelTime && right instanceof CelTime && operator === '-') return checkedDuration(left.nanos - right.nanos)
    if (left instanceof CelTime && right instanceof CelDuration)
      return new CelTime(operator === '-' ? left.nanos - right.nanos : left.nanos + right.nanos)
    if (left instanceof CelDuration && right instanceof CelDuration)
      return checkedDuration(operator === '-' ? left.nanos - right.nanos : left.nanos + right.nanos)
    if (left instanceof CelDuration && right instanceof CelTime && operator === '+') return new CelTime(left.nanos + right.nanos)
    throw new CelError(`no such overload: ${typeNameOf(left)} ${operator} ${typeNameOf(right)}`)
  }
}

/** Whether the method runs over items, with a name for each of them. */
export function isComprehension(name: string, args: number): boolean {
  return name === 'map' ? args === 2 || args === 3 : args === 2 && ['all', 'exists', 'exists_one', 'existsOne', 'filter'].includes(name)
}

function whole(operator: string, left: bigint, right: bigint): bigint {
  if ((operator === '/' || operator === '%') && right === 0n) throw new CelError(operator === '/' ? 'division by zero' : 'modulus by zero')
  switch (operator) {
    case '+':
      return checkedInt(left + right)
    case '-':
      return checkedInt(left - right)
    case '*':
      return checkedInt(left * right)
    case '/':
      return checkedInt(left / right)
    default:
      return checkedInt(left % right)
  }
}

function fraction(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    default:
      throw new CelError('no such overload: double % double')
  }
}
