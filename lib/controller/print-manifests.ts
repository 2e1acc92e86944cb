import { DefinitionError, definitionOf } from '../api/custom-kinds/definition-of.js'
import type { Kind } from '../api/define-kind.js'
import { builtinKinds } from '../api/kinds/index.js'
import { FlagError } from '../base/flags.js'
import type { Controller } from './controller.js'
import { type Account, rightsOf } from './rights-of.js'

type Controllers = readonly [Controller, ...Controller[]]

/** The CustomResourceDefinitions of the kinds that the controllers work with and no server is born with, as YAML. */
export async function printDefinitions(controllers: Controllers): Promise<string> {
  const kinds = controllers.flatMap(({ for: reconciled, owns, watches }) => [reconciled, ...owns, ...watches.map(({ kind }) => kind)])
  const own = [...new Set(kinds)].filter((kind) => !isBuiltin(kind))
  const twice = own.find((kind) => own.some((other) => other !== kind && other.group === kind.group && other.plural === kind.plural))
  if (twice) throw new DefinitionError(`${twice.plural}.${twice.group} is declared twice: a definition has one of them`)
  return await printYaml(own.map(definitionOf))
}

/** The Roles that a program of these controllers needs, as YAML. `namespace`: it is bound to this one alone. */
export async function printRights(controllers: Controllers, account: string | undefined, namespace: string | undefined): Promise<string> {
  const [first, ...more] = controllers.map((one) => (namespace === undefined ? one : { ...one, namespace }))
  if (!first) return ''
  return await printYaml(rightsOf([first, ...more], parseAccount(account ?? `${namespace ?? 'default'}:${first.name}`)))
}

function isBuiltin({ group, plural }: Kind): boolean {
  return builtinKinds.some((kind) => kind.group === group && kind.plural === plural)
}

function parseAccount(text: string): Account {
  const [namespace, name, ...rest] = text.split(':')
  if (!namespace || !name || rest.length > 0) throw new FlagError(`--service-account takes NAMESPACE:NAME, not ${text}`)
  return { namespace, name }
}

async function printYaml(manifests: readonly object[]): Promise<string> {
  const { stringify } = await import('yaml')
  return manifests.map((manifest) => stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' })).join('---\n')
}
