import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../api/define-kind.js'
import { parseLabelSelector } from '../../api/label-selector.js'
import { ObjectIndex } from './object-index.js'

interface Box extends KubeObject {
  colours: string[]
}

function aBox(namespace: string, name: string, colours: string[], labels: Record<string, string> = {}): Box {
  const metadata = { namespace, name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', labels }
  return { apiVersion: 'v1', kind: 'Box', metadata, colours }
}

const boxes = () => new ObjectIndex<Box, 'colour'>({ colour: (box) => box.colours })
const names = (found: Box[]) => found.map((box) => box.metadata.name)

describe('an index of objects', () => {
  it('finds by name, namespace, label and each value of an index', () => {
    const index = boxes()
    index.set(aBox('n', 'a', ['red', 'blue'], { size: 's' }))
    index.set(aBox('n', 'b', ['blue'], { size: 'l' }))
    index.set(aBox('m', 'c', []))
    expect(index.get('n/a')?.colours).toEqual(['red', 'blue'])
    expect(names(index.inNamespace('n'))).toEqual(['a', 'b'])
    expect(names(index.by('colour', 'blue'))).toEqual(['a', 'b'])
    expect(names(index.select(parseLabelSelector('size in (s, m)')))).toEqual(['a'])
    expect(names(index.list())).toEqual(['a', 'b', 'c'])
  })

  it('knows cluster-scoped objects by their name alone', () => {
    const index = boxes()
    const box = aBox('', 'node', ['red'])
    delete box.metadata.namespace
    index.set(box)
    expect(index.get('node')).toBe(box)
    expect(index.inNamespace('')).toEqual([])
  })

  it('refuses an index that it does not have', () => {
    expect(() => boxes().by('shape' as 'colour', 'x')).toThrow('there is no index shape')
  })

  it('answers as a scan would, whatever was set and removed', () => {
    const colour = fc.constantFrom('red', 'blue', 'green')
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), remove: fc.boolean(), colours: fc.uniqueArray(colour) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const index = boxes()
        for (const { name, remove, colours } of steps) {
          if (remove) index.remove(`n/${name}`)
          else index.set(aBox('n', name, colours))
        }
        for (const each of ['red', 'blue', 'green']) {
          const scanned = names(index.list().filter((box) => box.colours.includes(each)))
          expect(names(index.by('colour', each)).sort()).toEqual(scanned.sort())
        }
        expect(index.inNamespace('n')).toHaveLength(index.size)
      }),
    )
  })
})
