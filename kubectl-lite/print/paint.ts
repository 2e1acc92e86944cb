import type { Io } from '../cli/io.js'

/** Puts a cell's text, padding included, in its colour. */
export type Paint = (padded: string, cell: string) => string

const colours: Readonly<Record<string, 'green' | 'red' | 'yellow'>> = {
  Running: 'green',
  Succeeded: 'green',
  Active: 'green',
  Ready: 'green',
  'Ready,SchedulingDisabled': 'yellow',
  Failed: 'red',
  Unknown: 'yellow',
  Paused: 'yellow',
  Terminating: 'yellow',
  NotReady: 'red',
  'NotReady,SchedulingDisabled': 'red',
  Warning: 'yellow',
}

/** Colours for states, on a terminal only, and not when NO_COLOR is set. Undefined: no colours. */
export async function painter(io: Pick<Io, 'terminal' | 'env'>): Promise<Paint | undefined> {
  if (!io.terminal || io.env.NO_COLOR || io.env.TERM === 'dumb') return undefined
  const { default: pico } = await import('picocolors')
  const paint = pico.createColors(true)
  return (padded, cell) => {
    const colour = Object.hasOwn(colours, cell) ? colours[cell] : undefined
    return colour === undefined ? padded : paint[colour](padded)
  }
}
