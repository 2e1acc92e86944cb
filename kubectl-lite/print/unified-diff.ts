/** The lines that differ, in the unified format of diff(1); empty when none do. */
export function unifiedDiff(from: string, to: string, fromName: string, toName: string): string {
  const edits = lineEdits(splitLines(from), splitLines(to))
  if (edits.every((edit) => edit.type === ' ')) return ''
  return `--- ${fromName}\n+++ ${toName}\n${hunks(edits).map(printHunk).join('')}`
}

interface Edit {
  readonly type: ' ' | '-' | '+'
  readonly line: string
  /** Counted from 0, in the file that has the line. */
  readonly fromLine: number
  readonly toLine: number
}

const context = 3

function splitLines(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** By the longest common subsequence; manifests are short. */
function lineEdits(from: readonly string[], to: readonly string[]): Edit[] {
  const width = to.length + 1
  const common = new Uint32Array((from.length + 1) * width)
  for (let i = from.length - 1; i >= 0; i--)
    for (let j = to.length - 1; j >= 0; j--)
      common[i * width + j] =
        from[i] === to[j]
          ? (common[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0)
  const edits: Edit[] = []
  let i = 0
  let j = 0
  while (i < from.length || j < to.length) {
    const [left, right] = [from[i], to[j]]
    const at = { fromLine: i, toLine: j }
    if (left !== undefined && left === right) {
      edits.push({ type: ' ', line: left, ...at })
      i++
      j++
    } else if (left !== undefined && (right === undefined || (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))) {
      edits.push({ type: '-', line: left, ...at })
      i++
    } else {
      edits.push({ type: '+', line: right ?? '', ...at })
      j++
    }
  }
  return edits
}

/** Changes with three lines around them; what is nearer than that stands in one hunk. */
function hunks(edits: readonly Edit[]): Edit[][] {
  const result: Edit[][] = []
  let end = -1
  for (const [index, edit] of edits.entries()) {
    if (edit.type === ' ') continue
    const start = Math.max(index - context, end)
    const hunk = start <= end && result.length > 0 ? result.at(-1) : undefined
    const stop = Math.min(index + context + 1, edits.length)
    if (hunk) hunk.push(...edits.slice(end, stop))
    else result.push(edits.slice(Math.max(0, start), stop))
    end = stop
  }
  return result
}

function printHunk(edits: readonly Edit[]): string {
  const [first] = edits
  const range = (line: number, count: number): string => `${count === 0 ? line : line + 1}${count === 1 ? '' : `,${count}`}`
  const fromCount = edits.filter((edit) => edit.type !== '+').length
  const toCount = edits.filter((edit) => edit.type !== '-').length
  const head = `@@ -${range(first?.fromLine ?? 0, fromCount)} +${range(first?.toLine ?? 0, toCount)} @@\n`
  return head + edits.map((edit) => `${edit.type}${edit.line}\n`).join('')
}
