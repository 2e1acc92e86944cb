import { describe, expect, it } from 'vitest'
import { decodeManifests } from './decode-manifests.js'

const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n'
const first = (text: string) => decodeManifests(text, 'test')[0]

describe('decodeManifests', () => {
  it('refuses what nests so deep that the parser would end the process', () => {
    expect(() => decodeManifests('['.repeat(20_000), 'bomb.yaml')).toThrow('bomb.yaml nests deeper than 64 levels')
  })

  it('reads many documents and skips empty ones', () => {
    expect(decodeManifests(`---\n${head}---\n# nothing\n---\n${head}`, 'test')).toHaveLength(2)
    expect(decodeManifests('', 'test')).toEqual([])
  })

  it('unpacks lists', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }] }
    expect(decodeManifests(JSON.stringify(list), 'test').map((item) => item.metadata.name)).toEqual(['x'])
  })

  it.each([
    ['mode: 0644', 420],
    ['mode: yes', true],
    ['mode: off', false],
    ['mode: 12:30', '12:30'],
    ['mode: 2026-01-31', '2026-01-31'],
    ['mode: 9007199254740993', 9007199254740993n],
    ['mode: 7', 7],
    ['mode: 1.5', 1.5],
    ['mode: "0644"', '0644'],
  ])('reads %s as kubectl does', (line, value) => {
    expect(first(`${head}${line}`)?.mode).toStrictEqual(value)
  })

  it.each([
    ['kind: X', 'lacks apiVersion'],
    ['apiVersion: v1', 'lacks kind'],
    ['- a', 'not an object'],
    [`${head}a: 1\na: 2`, 'cannot be read'],
    [`${head}a: [`, 'cannot be read'],
    [`${head}${'? '.repeat(40)}a`, 'a key must be a plain word or number'],
    [`${head}__proto__: {x: 1}`, '__proto__'],
  ])('refuses %j and says why', (text, message) => {
    expect(() => decodeManifests(text, 'test')).toThrow(message)
  })
})
