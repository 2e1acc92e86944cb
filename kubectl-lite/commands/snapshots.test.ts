import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Node } from '../../lib/api/kinds/node.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
const at = { namespace: 'default', name: 'dev' }
beforeAll(async () => {
  line = await commandLine()
  const { client } = line.cluster
  await client.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
  await client.of(Vps).create({ metadata: at, spec: { image: 'debian:12', nodeName: 'n1' } })
  await client.of(Vps).mergePatch(at, { status: { starts: 1 } }, { subresource: 'status' })
})
afterAll(() => line[Symbol.asyncDispose]())

describe('create vpssnapshot', () => {
  it('makes one of a Vps, with what people want to remember', async () => {
    expect(await line.run(`create snapshot before --vps=dev --message='as delivered'`)).toMatchObject({
      code: 0,
      out: 'vpssnapshot.millrace.dev/before created\n',
    })
    expect(await line.cluster.client.of(VpsSnapshot).get({ namespace: 'default', name: 'before' })).toMatchObject({
      spec: { vpsName: 'dev', message: 'as delivered', nodeName: 'n1' },
    })
  })
  it('is listed with its size as people read it', async () => {
    const before = { namespace: 'default', name: 'before' }
    expect((await line.run('get vsnap')).out).toMatch(/^before +dev +Pending +<none> +n1 /m)
    const status = { phase: 'Ready', sizeBytes: 1_610_612_736 }
    await line.cluster.client.of(VpsSnapshot).mergePatch(before, { status }, { subresource: 'status' })
    expect((await line.run('get vsnap')).out).toMatch(/^before +dev +Ready +1\.5Gi +n1 /m)
  })
  it('of a Vps that is not there says so', async () => {
    expect(await line.run('create vpssnapshot other --vps=nobody')).toMatchObject({
      code: 6,
      err: expect.stringContaining('there is no such Vps'),
    })
  })
})

describe('restore', () => {
  const asked = async () => (await line.cluster.client.of(Vps).get(at)).spec.restoreFrom
  it('asks for the disk of a snapshot, and again each time', async () => {
    expect(await line.run('restore vps/dev --from=before')).toMatchObject({
      code: 0,
      out: 'vps.millrace.dev/dev to be restored from before\n',
    })
    const first = await asked()
    expect(first).toMatchObject({ name: 'before', request: expect.stringMatching(/^\w+$/) })
    await line.run('restore vps dev --from=before')
    expect((await asked())?.request).not.toBe(first?.request)
  })
  it('from one that is not there changes nothing', async () => {
    const before = await asked()
    expect(await line.run('restore vps/dev --from=nothing')).toMatchObject({ code: 3, err: expect.stringContaining('"nothing" not found') })
    expect(await asked()).toEqual(before)
  })
  it('with --dry-run changes nothing', async () => {
    const before = await asked()
    expect((await line.run('restore vps/dev --from=before --dry-run=client')).code).toBe(0)
    expect((await line.run('restore vps/dev --from=before --dry-run=server')).code).toBe(0)
    expect(await asked()).toEqual(before)
  })
  it('of what has no disk is refused', async () => {
    expect(await line.run('restore node/n1 --from=before')).toMatchObject({ code: 2, err: expect.stringContaining('has no disk') })
  })
})
