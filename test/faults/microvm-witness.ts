/**
 * Tasks in microVMs whose QEMU bears witness: how often one was started for each, and whether an earlier one of the same Task was still
 * alive at the time. A lock says so, which each QEMU holds open and the kernel takes away with it.
 */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Start, Witness } from './witness.js'
import { isHeld, linesOf } from './witness-files.js'

export interface MicrovmWitness extends Pick<Witness, 'doubled' | 'alive'> {
  /** A QEMU for agents to start microVMs with. */
  readonly program: string
  /** All starts so far, in order. As in all of it, Tasks are named by their uids. */
  starts(uid: string): Pick<Start, 'attempt'>[]
}

/** Keeps its files in a folder below `directory`. */
export function createMicrovmWitness(directory: string): MicrovmWitness {
  const folder = path.join(directory, 'microvm-witness')
  mkdirSync(folder)
  const program = path.join(folder, 'qemu')
  // What is no guest of a Task, as a question about its version, is passed on.
  const script = [
    '#!/bin/bash',
    'for word; do case $word in guest=*.*.*) IFS=.= read -r _ uid attempt run <<< "$word";; esac; done',
    'if [ -n "$uid" ]; then',
    `  exec 9>> "${folder}/$uid.lock"`,
    `  flock -n 9 || echo "$uid" >> "${folder}/doubled"`,
    `  echo "$attempt" >> "${folder}/$uid.starts"`,
    'fi',
    'exec qemu-system-x86_64 "$@"',
  ]
  writeFileSync(program, `${script.join('\n')}\n`)
  chmodSync(program, 0o755)
  const file = (name: string) => path.join(folder, name)
  return {
    program,
    starts: (uid) => linesOf(file(`${uid}.starts`)).map((attempt) => ({ attempt: Number(attempt) })),
    doubled: () => linesOf(file('doubled')),
    alive: () =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.lock') && isHeld(file(name)))
        .map((name) => path.basename(name, '.lock')),
  }
}
