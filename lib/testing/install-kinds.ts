import { definitionOf } from '../api/custom-kinds/definition-of.js'
import type { Kind } from '../api/define-kind.js'
import { CustomResourceDefinition } from '../api/kinds/custom-resource-definition.js'
import { builtinKinds } from '../api/kinds/index.js'
import type { Client } from '../client/client.js'
import type { Controller } from '../controller/controller.js'

const nameOf = ({ plural, group }: Kind) => `${plural}.${group}`
const builtinNames = new Set(builtinKinds.map(nameOf))

/** What controllers name, and these. */
export function kindsOfControllers(controllers: readonly Controller[], kinds: readonly Kind[]): Kind[] {
  const named = controllers.flatMap(({ for: kind, owns, watches }) => [kind, ...owns, ...watches.map((watch) => watch.kind)])
  return [...new Set([...named, ...kinds])]
}

/** The kinds that a server is not born with, each once. */
export function kindsOfUsers(kinds: readonly Kind[]): Kind[] {
  const byName = new Map(kinds.map((kind) => [nameOf(kind), kind]))
  return [...byName.values()].filter((kind) => !builtinNames.has(nameOf(kind)))
}

/** Brings in the kinds that the server does not have, as users do: by CustomResourceDefinitions. They are served when it resolves. */
export async function installKinds(client: Client, kinds: readonly Kind[]): Promise<void> {
  await Promise.all(kindsOfUsers(kinds).map((kind) => client.of(CustomResourceDefinition).create(definitionOf(kind))))
}
