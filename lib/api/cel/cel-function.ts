import type { Pattern, StepBudget } from '../pattern/compile-pattern.js'

/** What functions run with. */
export interface CelContext {
  readonly budget: StepBudget
  /** Patterns that were compiled before, by their text. */
  readonly patterns: Map<string, Pattern>
}

/** One function under one name and number of arguments. The receiver of a method is its first argument. */
export interface CelFunction {
  /** For the type check; absent where the package itself declares it. */
  readonly signatures?: readonly string[]
  readonly run: (context: CelContext, ...args: unknown[]) => unknown
}

/** By `name/arguments`, or `.name/arguments` for methods. */
export type CelFunctions = Readonly<Record<string, CelFunction>>
