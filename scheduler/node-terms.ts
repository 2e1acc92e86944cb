import type { NodeSelectorTerm } from '../lib/api/kinds/workload.js'

/** What a term looks at: the node's labels and its name. */
export interface TermSubject {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export type TermTest = (node: TermSubject) => boolean

type Requirement = NonNullable<NodeSelectorTerm['matchExpressions']>[number]

/** A node selector term as a test. A term without requirements matches nothing, as in Kubernetes. */
export function compileTerm(term: NodeSelectorTerm): TermTest {
  const tests: TermTest[] = [
    ...(term.matchExpressions ?? []).map((requirement) => {
      const test = compileRequirement(requirement)
      return (node: TermSubject) => test(Object.hasOwn(node.labels, requirement.key) ? node.labels[requirement.key] : undefined)
    }),
    ...(term.matchFields ?? []).map((requirement) => {
      const test = compileRequirement(requirement)
      return (node: TermSubject) => test(requirement.key === 'metadata.name' ? node.name : undefined)
    }),
  ]
  return (node) => tests.length > 0 && tests.every((test) => test(node))
}

/** Whether one of the terms matches. */
export function compileTerms(terms: readonly NodeSelectorTerm[]): TermTest {
  const tests = terms.map(compileTerm)
  return (node) => tests.some((test) => test(node))
}

function compileRequirement({ operator, values = [] }: Requirement): (value: string | undefined) => boolean {
  switch (operator) {
    case 'In':
      return (value) => value !== undefined && values.includes(value)
    case 'NotIn':
      return (value) => value === undefined || !values.includes(value)
    case 'Exists':
      return (value) => value !== undefined
    case 'DoesNotExist':
      return (value) => value === undefined
    case 'Gt':
    case 'Lt': {
      const bound = wholeNumber(values[0])
      return (value) => {
        const number = wholeNumber(value)
        if (number === undefined || bound === undefined) return false
        return operator === 'Gt' ? number > bound : number < bound
      }
    }
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
}
