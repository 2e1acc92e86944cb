import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** Numbers of users, and of groups of the same numbers. */
export interface UserRange {
  readonly first: number
  readonly count: number
}

/** Whom the workloads of an agent that is root run as; nobody else on the machine should be one of them. */
export interface WorkloadUsers {
  readonly attempts: UserRange
  readonly machines: UserRange
}

/** What the machine says of its numbers. */
export interface NumbersOfMachine {
  /** Those that are somebody's already. */
  readonly taken: readonly UserRange[]
  /** Those that there are, of users and of groups: all of them, but in a user namespace. */
  readonly mapped: readonly (readonly UserRange[])[]
}

const half = 65_536
const blockSize = 2 * half
/**
 * Above what useradd gives to users and their containers, systemd to its own, and directories (SSSD,
 * FreeIPA) to people; below what systemd keeps for foreign images.
 */
const usual = { first: 2_013_265_920, count: 1_000 * blockSize }
/** Below are people, services and what counts with 16 bits. */
const lowest = 65_536

/**
 * The users of the agent's workloads: its identity says where the search begins, so that two
 * agents of one machine rarely meet. Undefined when none are free.
 */
export function chooseUsers(identity: string, { taken, mapped }: NumbersOfMachine): WorkloadUsers | undefined {
  for (const first of candidates(identity, mapped[0] ?? [])) {
    const block = { first, count: blockSize }
    if (mapped.every((ranges) => ranges.some((range) => holds(range, block))) && !taken.some((range) => overlap(range, block)))
      return { attempts: { first, count: half }, machines: { first: first + half, count: half } }
  }
  return undefined
}

/** Reads of this machine what `chooseUsers` needs; a file that is not there says nothing. */
export async function readNumbersOfMachine(root = '/'): Promise<NumbersOfMachine> {
  const rows = async (file: string, separator: RegExp) =>
    (await readFile(`${root}${file}`, 'utf8').catch(() => '')).split('\n').map((line) => line.trim().split(separator))
  const range = (first: string | undefined, count: string | undefined): UserRange[] =>
    /^\d+$/.test(first ?? '') && Number(count) > 0 ? [{ first: Number(first), count: Number(count) }] : []
  const [subuid, subgid, passwd, group] = await Promise.all(['subuid', 'subgid', 'passwd', 'group'].map((file) => rows(`etc/${file}`, /:/)))
  const maps = await Promise.all(['uid_map', 'gid_map'].map((file) => rows(`proc/self/${file}`, /\s+/)))
  return {
    taken: [
      ...[...(subuid ?? []), ...(subgid ?? [])].flatMap(([, first, count]) => range(first, count)),
      ...[...(passwd ?? []), ...(group ?? [])].flatMap(([, , id]) => range(id, '1')),
    ],
    mapped: maps.map((lines) => lines.flatMap(([first, , count]) => range(first, count))),
  }
}

function* candidates(identity: string, mapped: readonly UserRange[]): Generator<number> {
  const start = createHash('sha256').update(identity).digest().readUInt32BE(0) * blockSize
  for (let offset = 0; offset < usual.count; offset += blockSize) yield usual.first + ((start + offset) % usual.count)
  // In a user namespace there may be no such numbers: the highest that there are.
  for (const { first, count } of mapped)
    for (let end = Math.min(first + count, usual.first); end - blockSize >= Math.max(first, lowest); end -= blockSize) yield end - blockSize
}

const holds = (outer: UserRange, inner: UserRange) => outer.first <= inner.first && inner.first + inner.count <= outer.first + outer.count
const overlap = (one: UserRange, other: UserRange) => one.first < other.first + other.count && other.first < one.first + one.count
