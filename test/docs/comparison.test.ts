/** What docs/comparison.md says of our own controller is counted here, lines and requests, and so are the lines of the others. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Shelf, shelfController } from '../../examples/compared/shelf.js'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'

const root = path.resolve(import.meta.dirname, '../..')
const text = readFileSync(path.join(root, 'docs/comparison.md'), 'utf8')

/** The cells of a row of a table, by its first cell. */
function row(name: string): string[] {
  const line = text.split('\n').find((one) => one.startsWith(`| ${name} |`))
  if (line === undefined) throw new Error(`docs/comparison.md has no row ${JSON.stringify(name)}`)
  return line
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())
}

describe('the lines', () => {
  /** Neither blank nor comment. */
  const count = (file: string) =>
    readFileSync(path.join(root, 'examples/compared', file), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '' && !/^\s*(\/\/|\/\*|\*|#)/.test(line)).length

  it('are those of the files', () => {
    const files = ['shelf.ts', 'controller-runtime/shelf.go', 'kopf/shelf.py']
    expect(row('lines of code')).toEqual(files.map((file) => String(count(file))))
  })
})

describe('the requests', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'shelves-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  const at = { namespace: 'default', name: 'top' }

  /** Answered by the server, without watches and the metrics themselves. */
  async function answered({ client }: TestCluster): Promise<number> {
    const metrics = await (await client.raw({ method: 'GET', path: '/metrics' })).text()
    return [...metrics.matchAll(/^millrace_requests_total\{verb="\w+",resource="(?!other)\w+",code="\d+"\} (\d+)$/gm)].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    )
  }

  it('are what the server has counted, and a steady minute has none', async () => {
    await using cluster = await testCluster({ controllers: [shelfController(directory)] })
    const { client } = cluster
    const costs: Record<string, string> = {}
    /** `own`: requests of the test itself. */
    const during = async (name: string, act: () => Promise<unknown>, own = 1) => {
      const before = await answered(cluster)
      await act()
      await cluster.settle()
      costs[name] = String((await answered(cluster)) - before - own)
    }
    await during('requests: a shelf of ten is made', () => client.of(Shelf).create({ metadata: at, spec: { cards: 10 } }))
    expect((await client.of(Shelf).get(at)).status?.cards).toBe(10)
    expect(readdirSync(directory)).toHaveLength(1)
    await during('requests: somebody deletes a card', () => client.of(ConfigMap).delete({ namespace: 'default', name: 'top-3' }))
    await during('requests: somebody writes over a card', () =>
      client.of(ConfigMap).mergePatch({ namespace: 'default', name: 'top-3' }, { data: { card: 'x' } }),
    )
    await during('requests: ten become five', () => client.of(Shelf).mergePatch(at, { spec: { cards: 5 } }))
    await during('requests: a steady minute', () => cluster.advance('60s'), 0)
    await during('requests: the controller starts again', async () => cluster.restart(), 0)
    await during('requests: the shelf is deleted', () => client.of(Shelf).delete(at))
    expect((await client.of(Shelf).list()).items).toEqual([])
    expect(readdirSync(directory)).toEqual([])
    expect(existsSync(directory)).toBe(true)
    expect(Object.fromEntries(Object.keys(costs).map((name) => [name, row(name)[0]]))).toEqual(costs)
  })
})
