import { Environment } from '@marcbachmann/cel-js'
import type { CelFunction } from './cel-function.js'
import { coreFunctions } from './core-functions.js'
import { libraryFunctions } from './library-functions.js'
import { textFunctions } from './text-functions.js'

/** Every function that a rule may call. */
export const celFunctions: ReadonlyMap<string, CelFunction> = new Map(
  Object.entries({ ...coreFunctions, ...textFunctions, ...libraryFunctions }),
)

/** Names that only stand before a dot. */
export const celNamespaces: ReadonlySet<string> = new Set(['sets', 'optional', 'ip'])

/** What a rule may be made of. The depth keeps the parser from overflowing, the rest keeps it quick. */
const limits = { maxAstNodes: 2_000, maxDepth: 60, maxListElements: 500, maxMapEntries: 200, maxCallArguments: 8 }

/** Declares the functions to the package, which parses rules and checks their types; cel-evaluator.ts runs them. */
export function createCelEnvironment(): Environment {
  const environment = new Environment({ enableOptionalTypes: true, limits })
  for (const type of ['kubernetes.Quantity', 'kubernetes.URL', 'net.IP', 'net.CIDR']) {
    environment.registerType(type, { fields: {} })
    environment.registerOperator(`${type} == ${type}`, neverRun)
  }
  declareNamespace(environment, 'sets', 'Sets')
  declareNamespace(environment, 'ip', 'Ip')
  for (const { signatures = [] } of celFunctions.values())
    for (const signature of signatures) environment.registerFunction(signature, neverRun)
  return environment
}

/** The package needs a value for each name. */
function declareNamespace(environment: Environment, name: string, type: string): void {
  const Namespace = class {}
  environment.registerType(type, Namespace)
  environment.registerConstant(name, type, new Namespace())
}

function neverRun(): never {
  throw new Error('the package only checks types')
}
