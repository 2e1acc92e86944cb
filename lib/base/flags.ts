/**
 * Flags of the programs: declared once as a table, read from the command line, then
 * from a config file, then the default. `main.ts` alone calls it.
 *
 *     const program = { program: 'millrace-scheduler', summary: '…', flags: { kubeconfig: { type: 'string', description: '…' } } }
 *     const flags = parseFlags(program, process.argv.slice(2))
 *     if (flags.help) …print flags.help
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

export type FlagValue = string | number | boolean | string[]

export interface FlagDeclaration {
  /** `list`: comma-separated, or given several times. */
  readonly type: 'string' | 'integer' | 'boolean' | 'list'
  readonly description: string
  readonly default?: FlagValue
  /** Must be given. */
  readonly required?: boolean
  /** Shown in the help: `--port PORT`. */
  readonly value?: string
}

type ValueOf<F extends FlagDeclaration> = F['type'] extends 'string'
  ? string
  : F['type'] extends 'integer'
    ? number
    : F['type'] extends 'boolean'
      ? boolean
      : string[]
type Present<F extends FlagDeclaration> = F extends { readonly default: FlagValue } | { readonly required: true }
  ? ValueOf<F>
  : ValueOf<F> | undefined

export interface FlagTable<Flags extends Record<string, FlagDeclaration>> {
  readonly program: string
  /** How it is called, where that is not its name alone. */
  readonly call?: string
  readonly summary: string
  /** Words after the flags: `[verify | backup FILE]`. */
  readonly operands?: string
  readonly flags: Flags
}

export interface ParsedFlags<Flags extends Record<string, FlagDeclaration>> {
  /** By the flag's name as declared: `flags['data-dir']`. */
  readonly values: { readonly [Name in keyof Flags]: Present<Flags[Name]> }
  readonly operands: readonly string[]
  /** The help text when --help was given; the caller prints it and ends with 0. */
  readonly help: string | undefined
}

/** What is wrong with the command line, in a sentence. The caller prints it and ends with 2. */
export class FlagError extends Error {
  override readonly name = 'FlagError'
}

/** Reads flags. `--config FILE` (YAML, a map by flag name) gives what the command line leaves out. Throws FlagError. */
export function parseFlags<const Flags extends Record<string, FlagDeclaration>>(
  table: FlagTable<Flags>,
  argv: readonly string[],
): ParsedFlags<Flags> {
  const options = Object.fromEntries(
    Object.entries(table.flags).map(([name, flag]) => [
      name,
      flag.type === 'boolean' ? { type: 'boolean' as const } : { type: 'string' as const, multiple: flag.type === 'list' },
    ]),
  )
  let parsed: { values: Record<string, unknown>; positionals: string[] }
  try {
    parsed = parseArgs({
      args: [...argv],
      options: { ...options, help: { type: 'boolean', short: 'h' }, config: { type: 'string' } },
      allowPositionals: true,
      allowNegative: true,
    }) as typeof parsed
  } catch (cause) {
    throw new FlagError(`${firstSentence(cause)}; see ${callOf(table)} --help`, { cause })
  }
  if (parsed.positionals.length > 0 && !table.operands)
    throw new FlagError(`unexpected "${parsed.positionals[0]}"; see ${callOf(table)} --help`)
  if (parsed.values.help) return { values: {} as ParsedFlags<Flags>['values'], operands: [], help: printHelp(table) }
  const file = typeof parsed.values.config === 'string' ? readConfig(parsed.values.config, table) : {}
  const values: Record<string, FlagValue | undefined> = {}
  for (const [name, flag] of Object.entries(table.flags)) {
    const given = parsed.values[name] ?? file[name]
    const value = given === undefined ? flag.default : convert(name, flag, given)
    if (value === undefined && flag.required) throw new FlagError(`--${name} is needed: ${flag.description}`)
    values[name] = value
  }
  return { values: values as ParsedFlags<Flags>['values'], operands: parsed.positionals, help: undefined }
}

function convert(name: string, flag: FlagDeclaration, given: unknown): FlagValue {
  switch (flag.type) {
    case 'boolean':
      if (typeof given === 'boolean') return given
      break
    case 'integer':
      if (/^-?\d{1,15}$/.test(String(given))) return Number(given)
      break
    case 'list': {
      const items = Array.isArray(given) ? given : [given]
      return items.flatMap((item) => String(item).split(',')).filter((item) => item !== '')
    }
    case 'string':
      if (typeof given === 'string' || typeof given === 'number') return String(given)
  }
  throw new FlagError(`--${name} takes ${flag.type === 'integer' ? 'a whole number' : `a ${flag.type}`}, not ${JSON.stringify(given)}`)
}

function readConfig(path: string, table: FlagTable<Record<string, FlagDeclaration>>): Record<string, unknown> {
  let config: unknown
  try {
    // Loaded for those who have such a file: it would be a fifth of what the scheduler loads.
    const yaml = createRequire(import.meta.url)('yaml') as typeof import('yaml')
    config = yaml.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new FlagError(`cannot read the config file ${path}: ${firstSentence(cause)}`, { cause })
  }
  if (config === null || config === undefined) return {}
  if (typeof config !== 'object' || Array.isArray(config))
    throw new FlagError(`the config file ${path} must be a map from flag names to values`)
  for (const name of Object.keys(config))
    if (!Object.hasOwn(table.flags, name))
      throw new FlagError(`the config file ${path} names "${name}", which ${table.program} does not have`)
  return config as Record<string, unknown>
}

function printHelp(table: FlagTable<Record<string, FlagDeclaration>>): string {
  const rows: [string, string][] = Object.entries(table.flags).map(([name, flag]) => [
    flag.type === 'boolean'
      ? `--${name}`
      : `--${name} ${flag.value ?? (flag.type === 'integer' ? 'N' : flag.type === 'list' ? 'A,B' : 'TEXT')}`,
    `${flag.description}${flag.default === undefined || (Array.isArray(flag.default) && flag.default.length === 0) ? '' : ` (default ${Array.isArray(flag.default) ? flag.default.join(',') : flag.default})`}`,
  ])
  rows.push(['--config FILE', 'YAML file with flags by name; the command line wins'], ['--help', 'print this'])
  const width = Math.max(...rows.map(([left]) => left.length))
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
  return `${table.program}: ${table.summary}\n\nUsage: ${callOf(table)} [flags]${table.operands ? ` ${table.operands}` : ''}\n\n${lines.join('\n')}\n`
}

const callOf = ({ call, program }: FlagTable<Record<string, FlagDeclaration>>): string => call ?? program

function firstSentence(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/)[0] ?? ''
}
