/**
 * What a machine runs as its first process when its Vps names none. Images are made for one program; left alone, most end at
 * once or with it. A machine waits until it is stopped, collects the children that others leave behind, and, when it is told to
 * end, tells all that runs in it so, and ends when the last has.
 */
import type { MachineSpec } from '../../machine-backend.js'
import { labels } from '../containers/container-options.js'
import { removeContainer } from '../containers/end-container.js'
import { makeContainer } from '../containers/make-container.js'
import { type Engine, unlessMissing } from '../engine/engine.js'
import { probeName } from './machine-options.js'

/**
 * As process 1, `kill -1` reaches all others and not itself; `wait` and each command collect children, its own or not. Whatever has a
 * terminal hears that it hangs up besides: shells that people type in heed nothing else.
 */
const waiting = [
  'end() {',
  '  trap "" TERM',
  '  kill -TERM -1',
  '  for process in /proc/[0-9]*; do',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  '    read -r state < "$process/stat" && set -- ${state##*) } && [ "$5" != 0 ] && kill -HUP "${process#/proc/}"',
  '  done',
  '  while kill -0 -1; do sleep 0.1; done',
  '  exit 0',
  '} 2> /dev/null',
  'trap end TERM',
  'while :; do sleep 2147483647 & wait $!; done',
].join('\n')

const shell = '/bin/sh'

/** The first process; undefined: the image has no shell to wait in, and runs what it is made for. */
export async function firstProcess(
  engine: Engine,
  { uid, spec }: Pick<MachineSpec, 'uid' | 'spec'>,
  image: string,
  agent: string,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  if (spec.command?.length) return spec.command
  return (await hasFile(engine, { uid, image, agent, path: shell }, signal)) ? [shell, '-c', waiting] : undefined
}

/** Looks into an image by way of a container that is made of it and never started. */
async function hasFile(
  engine: Engine,
  { uid, image, agent, path }: { uid: string; image: string; agent: string; path: string },
  signal: AbortSignal,
): Promise<boolean> {
  const name = probeName(uid)
  await removeContainer(engine, name, signal)
  const Labels = { [labels.agent]: agent, [labels.kind]: 'Vps', [labels.uid]: uid }
  await makeContainer(engine, { name, Image: image, Entrypoint: [shell], Labels, HostConfig: { NetworkMode: 'none' } }, signal)
  const found = await unlessMissing(engine.call(signal, (options) => engine.docker.getContainer(name).infoArchive({ path, ...options })))
  await removeContainer(engine, name, signal)
  return found !== undefined
}
