/** Row 15: what an informer of lib/client costs per event, against parsing the same events. */
import { homedir } from 'node:os'
import { Task } from '../../../lib/api/kinds/task.js'
import { createClient } from '../../../lib/client/create-client.js'
import { createInformer } from '../../../lib/client/informer/informer.js'
import { loadKubeconfig } from '../../../lib/client/kubeconfig/load-kubeconfig.js'
import { startApiServer } from '../../processes/api-server.js'
import { openConnection } from '../../processes/connection.js'
import { taskBody } from '../../processes/objects.js'
import { drive, interleave, median, type Row } from '../measure.js'

const events = 10_000
const tasks = '/apis/millrace.dev/v1/namespaces/default/tasks'

export const informerCost: Row = {
  rows: [15],
  name: 'an informer',
  async run(bench) {
    const server = await startApiServer(bench)
    const lanes = await Promise.all(Array.from({ length: 32 }, () => openConnection(server.target)))
    let made = 0
    await drive(
      32,
      Number.POSITIVE_INFINITY,
      async (lane) => {
        const index = made++
        if (index < events) await lanes[lane]?.request('POST', tasks, taskBody(`t${index}`))
      },
      () => made >= events,
    )
    const list = JSON.parse((await lanes[0]?.request('GET', tasks))?.body.toString() ?? '{}') as { items: object[] }
    const texts = list.items.map((item) => JSON.stringify(item))
    for (const lane of lanes) lane.close()
    const { config } = await loadKubeconfig({ kubeconfig: server.kubeconfig, env: {}, home: homedir() })

    const runs = await interleave(bench.rounds, {
      ours: async () => {
        const client = createClient(config)
        const abort = new AbortController()
        const informer = createInformer(client, Task)
        const before = process.cpuUsage()
        const running = informer.start(abort.signal)
        await informer.synced()
        const used = process.cpuUsage(before)
        abort.abort()
        await running
        await client.close()
        return (used.user + used.system) / texts.length
      },
      parse: async () => {
        const before = process.cpuUsage()
        const parsed = texts.map((text) => JSON.parse(text) as unknown)
        const used = process.cpuUsage(before)
        return (used.user + used.system) / parsed.length
      },
    })
    const [ours, parse] = [median(runs.ours), median(runs.parse)]
    return [
      {
        row: 15,
        what: 'CPU of an informer per event, TLS and SSE included',
        unit: 'µs',
        ours,
        peer: { name: 'JSON.parse of the same', value: parse },
        goal: '≤ 1.2 ×',
        reached: ours <= 1.2 * parse,
      },
    ]
  },
}
