import { readdir } from 'node:fs/promises'
import type { Temperature } from '../../lib/api/node-stats.js'
import type { MachineRoots } from '../node/machine-roots.js'
import { textOf } from '../node/text-of.js'

/**
 * What the machine's sensors say: `coretemp Package id 0`, `nvme Composite`; of
 * thermal zones where there are no other sensors. Sorted by label.
 */
export async function readTemperatures({ sys }: MachineRoots): Promise<Temperature[]> {
  const sensors = await readSensors(`${sys}/class/hwmon`)
  const found = sensors.length > 0 ? sensors : await readZones(`${sys}/class/thermal`)
  return distinct(found).sort((a, b) => (a.label < b.label ? -1 : 1))
}

async function readSensors(folder: string): Promise<Temperature[]> {
  const chips = await namesIn(folder, /^hwmon\d+$/)
  const found = await Promise.all(
    chips.map(async (chip) => {
      const name = (await textOf(`${folder}/${chip}/name`)) || chip
      const inputs = await namesIn(`${folder}/${chip}`, /^temp\d+_input$/)
      return Promise.all(
        inputs.map(async (input) => {
          const sensor = input.slice(0, -'_input'.length)
          const label = (await textOf(`${folder}/${chip}/${sensor}_label`)) || sensor
          return temperature(`${name} ${label}`, await textOf(`${folder}/${chip}/${input}`))
        }),
      )
    }),
  )
  return found.flat().filter((entry) => entry !== undefined)
}

async function readZones(folder: string): Promise<Temperature[]> {
  const zones = await namesIn(folder, /^thermal_zone\d+$/)
  const found = await Promise.all(
    zones.map(async (zone) => temperature((await textOf(`${folder}/${zone}/type`)) || zone, await textOf(`${folder}/${zone}/temp`))),
  )
  return found.filter((entry) => entry !== undefined)
}

/** The kernel writes thousandths of a degree. A sensor that is asleep says nothing, or nonsense. */
function temperature(label: string, millis: string): Temperature | undefined {
  const celsius = Math.round(Number(millis) / 100) / 10
  return /^-?\d+$/.test(millis) && celsius > -100 && celsius < 300 ? { label, celsius } : undefined
}

/** Two of one label are numbered: machines have several disks of a sort. */
function distinct(all: readonly Temperature[]): Temperature[] {
  const seen = new Map<string, number>()
  return all.map(({ label, celsius }) => {
    const times = (seen.get(label) ?? 0) + 1
    seen.set(label, times)
    return { label: times === 1 ? label : `${label} (${times})`, celsius }
  })
}

async function namesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => pattern.test(name)).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}
