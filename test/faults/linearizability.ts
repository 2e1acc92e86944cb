/**
 * Whether there is an order of the operations on one object in which each gave the answer that it gave, and which agrees with real time:
 * what ended before another began comes first. The search is Wing and Gong's, with Lowe's memory of what was tried. An operation without an
 * answer may have happened at any time after it began, or never.
 *
 *     isLinearizable([{ callMs: 0, returnMs: 1, action: { type: 'create', write: 'a' }, answer: 'done' }, …])
 */

/** The object: who wrote its present version, and what the last patch since the last full write left. Undefined: there is none. */
export type Version = { readonly write: string; readonly patch?: string | undefined } | undefined

export type Action =
  | { readonly type: 'create'; readonly write: string }
  /** A full write, where `expected` names the version that it is guarded by. */
  | { readonly type: 'update'; readonly write: string; readonly expected?: string | undefined }
  /** Sets `write` and `patch`. */
  | { readonly type: 'patch'; readonly write: string }
  | { readonly type: 'delete' }
  | { readonly type: 'read' }

/** `unknown`: no answer came, or one that says nothing. */
export type Answer = 'done' | 'absent' | 'exists' | 'conflict' | 'unknown' | { readonly read: Version }

export interface Operation {
  readonly callMs: number
  /** Infinite when there was no answer. */
  readonly returnMs: number
  readonly action: Action
  readonly answer: Answer
}

export function isLinearizable(history: readonly Operation[]): boolean {
  const operations = [...history].sort((a, b) => a.callMs - b.callMs)
  const answered = operations.reduce((bits, { answer }, index) => (answer === 'unknown' ? bits : bits | (1n << BigInt(index))), 0n)
  const tried = new Set<string>()
  const open: { readonly done: bigint; readonly version: Version }[] = [{ done: 0n, version: undefined }]
  for (let node = open.pop(); node; node = open.pop()) {
    if ((node.done & answered) === answered) return true
    for (const index of candidates(operations, node.done)) {
      const operation = operations[index]
      const next = operation && take(operation, node.version)
      if (!next) continue
      const done = node.done | (1n << BigInt(index))
      const key = `${done.toString(36)} ${next.version?.write} ${next.version?.patch}`
      if (tried.has(key)) continue
      tried.add(key)
      open.push({ done, version: next.version })
    }
  }
  return false
}

/** Those that may come next: nothing else that is still to come ended before they began. */
function candidates(operations: readonly Operation[], done: bigint): number[] {
  const found: number[] = []
  let firstReturnMs = Number.POSITIVE_INFINITY
  for (const [index, { callMs, returnMs }] of operations.entries()) {
    if (callMs > firstReturnMs) break
    if ((done >> BigInt(index)) & 1n) continue
    found.push(index)
    firstReturnMs = Math.min(firstReturnMs, returnMs)
  }
  return found
}

/** The version after the operation; undefined when it could not have given this answer. */
function take({ action, answer }: Operation, version: Version): { readonly version: Version } | undefined {
  const result = apply(action, version)
  if (answer === 'unknown') return result
  if (typeof answer === 'object')
    return answer.read?.write === version?.write && answer.read?.patch === version?.patch ? { version } : undefined
  return result.answer === answer ? result : undefined
}

function apply(action: Action, version: Version): { readonly answer: Answer; readonly version: Version } {
  if (action.type === 'read') return { answer: { read: version }, version }
  if (action.type === 'create') return version ? { answer: 'exists', version } : { answer: 'done', version: { write: action.write } }
  if (!version) return { answer: 'absent', version }
  if (action.type === 'delete') return { answer: 'done', version: undefined }
  if (action.type === 'patch') return { answer: 'done', version: { write: action.write, patch: action.write } }
  if (action.expected !== undefined && action.expected !== version.write) return { answer: 'conflict', version }
  return { answer: 'done', version: { write: action.write } }
}
