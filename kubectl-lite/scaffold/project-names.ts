import { definitionOf } from '../../lib/api/custom-kinds/definition-of.js'
import { isName } from '../../lib/api/custom-kinds/names-causes.js'
import { defineKind } from '../../lib/api/define-kind.js'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { UsageError } from '../cli/exit-code.js'
import { pluralOf } from './plural-of.js'

/** The words of a project that differ from those of another. */
export interface ProjectNames {
  /** Of the project, its controller, its ServiceAccount and its first object. */
  readonly name: string
  /** Of the constant: never a word of the language, nor one that the project imports. */
  readonly constant: string
  readonly kind: string
  readonly plural: string
  readonly group: string
}

/** The server takes 63 for the kind of the list, KindList, and for what objects of the name own, NAME-10. */
const longest = 59

/** `my-pool` → MyPool, mypools, myPoolController. Throws a UsageError for what would not work somewhere. */
export function projectNames(name: string, options: { readonly kind?: string | undefined; readonly group: string }): ProjectNames {
  if (!isName(name) || name.length > longest)
    throw new UsageError(
      `a controller's name is made of lower-case letters, digits and -, begins with a letter, does not end with -, and has at most ${longest} characters; ${JSON.stringify(name)} does not fit`,
    )
  const pascal = name.replaceAll(/(?:^|-+)(.)/g, (_all, letter: string) => letter.toUpperCase())
  const { kind = pascal, group } = options
  if (!/^[A-Z][A-Za-z0-9]*$/.test(kind) || kind.length > longest)
    throw new UsageError(
      `--kind takes a word that begins with a capital, such as ${pascal}: at most ${longest} letters and digits, not ${JSON.stringify(kind)}`,
    )
  const plural = pluralOf(kind.toLowerCase())
  checkKind(kind, plural, group)
  return { name, constant: `${pascal.charAt(0).toLowerCase()}${pascal.slice(1)}Controller`, kind, plural, group }
}

/** As the server would judge it later, and whether the words say which kind is meant. */
function checkKind(kind: string, plural: string, group: string): void {
  const words = [kind.toLowerCase(), plural]
  const taken = builtinKinds.find(
    (one) => one.group === group || [one.singular, one.plural, ...one.shortNames].some((word) => words.includes(word)),
  )
  if (taken)
    throw new UsageError(
      taken.group === group
        ? `the group ${group} has the kinds that Millrace is born with; name one of your own with --group`
        : `${kind} would be taken for the ${taken.kind} that Millrace is born with; take another name, or another kind with --kind`,
    )
  try {
    definitionOf(defineKind({ group, version: 'v1', kind, plural, scope: 'Namespaced', description: kind }))
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
