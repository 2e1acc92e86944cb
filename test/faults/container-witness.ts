/**
 * Tasks in containers whose engine bears witness, by its own word of each start and end: how often each was started, and whether an earlier
 * container of the same Task was still alive at the time.
 */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import Docker from 'dockerode'
import { eventually } from '../../lib/testing/eventually.js'
import { labels } from '../../nodeagent/backends/docker/containers/container-options.js'
import type { Start, Witness } from './witness.js'

export interface ContainerWitness extends Pick<Witness, 'doubled' | 'alive' | 'close'> {
  /** What waits until it is told to end. Busybox has all that it needs. */
  readonly command: string[]
  /** All starts so far, in order. */
  starts(name: string): Pick<Start, 'attempt'>[]
  /** Ends what runs of the Task, with 0. */
  end(name: string): Promise<void>
}

interface EngineEvent {
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
}

/** Sees what the engine starts from now on. */
export async function watchContainers(socketPath: string): Promise<ContainerWitness> {
  const docker = new Docker({ socketPath })
  const events = (await docker.getEvents({
    since: Math.floor(Date.now() / 1000),
    filters: { type: ['container'], event: ['start', 'die'] },
  })) as Readable
  const begun: { readonly name: string; readonly attempt: number }[] = []
  const doubled: string[] = []
  /** Names of Tasks by the ids of their containers. */
  const alive = new Map<string, string>()
  createInterface({ input: events }).on('line', (line) => {
    const { Action, Actor } = JSON.parse(line) as EngineEvent
    if (Action === 'die') return void alive.delete(Actor.ID)
    const name = Actor.Attributes[labels.name] ?? ''
    if ([...alive.values()].includes(name)) doubled.push(name)
    alive.set(Actor.ID, name)
    begun.push({ name, attempt: Number(Actor.Attributes[labels.attempt]) })
  })
  return {
    command: ['sh', '-c', "trap 'exit 0' USR1; trap 'exit 143' TERM; sleep 86400 & wait"],
    starts: (name) => begun.filter((start) => start.name === name),
    doubled: () => doubled,
    alive: () => [...alive.values()],
    async end(name) {
      // The first process of a container hears no signal before it has asked for it.
      await eventually(async () => {
        const ids = [...alive].filter(([, of]) => of === name).map(([id]) => id)
        for (const id of ids) await docker.getContainer(id).kill({ signal: 'SIGUSR1' })
        return ids.length === 0
      })
    },
    close: () => void events.destroy(),
  }
}
