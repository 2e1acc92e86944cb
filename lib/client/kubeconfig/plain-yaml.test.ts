import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { readPlainYaml } from './plain-yaml.js'

describe('the reader of plain YAML', () => {
  it('reads a kubeconfig as people and programs write them', () => {
    const text = `# mine
apiVersion: v1
kind: Config
current-context: millrace
preferences: {}
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
    server: https://127.0.0.1:6443

  name: millrace
users:
  - name: admin
    user:
      token: "a:b c"
      # a comment
      client-key: '/a b/key.pem'
contexts:
- name: millrace
  context: {}
`
    const value = readPlainYaml(text)
    expect(value).toBeDefined()
    expect(value).toEqual(parse(text))
  })

  it.each([
    'a: [1, 2]',
    'a: |\n  text',
    'a: 5',
    'a: 1e3',
    'a: &x b',
    'a: *x',
    'a: !!str b',
    'a: b # comment',
    'a: "\\n"',
    'a: b\n  c',
    'a: b\na: c',
    '- - a',
    'a: b: c',
    'a:b',
    '"a": b',
    '? a\n: b',
    'a: yes',
    'a: null',
    'a: ~',
    '__proto__: a',
    '<<: a',
    'a: b\n c: d',
    '{"a": 1}',
    '',
    'a: 2026-01-01',
    '\ta: b',
    'a: b\n---\nc: d',
    '%YAML 1.2\n---\na: b',
  ])('leaves to the package what is not plain: %j', (text) => {
    expect(readPlainYaml(text)).toBeUndefined()
  })

  it('reads whatever it reads as the package does', () => {
    const scalar = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        'true',
        'null',
        '1',
        '1.5',
        '0x1f',
        'no',
        'https://h:1',
        'a: b',
        '- a',
        ' a',
        'a ',
        'LS0tLS0=',
        "it's",
        '"',
        '#',
        'a #b',
        '',
        '…',
      ),
      fc.boolean(),
      fc.constant(null),
      fc.integer(),
    )
    const key = fc.oneof(fc.stringMatching(/^[a-z][a-z-]{0,6}$/), fc.string({ maxLength: 5 }))
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        scalar,
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(key, tie('node'), { maxKeys: 3 }),
      ),
    }))
    let read = 0
    fc.assert(
      fc.property(
        fc.dictionary(key, node, { maxKeys: 4 }),
        fc.constantFrom({}, { indentSeq: false }, { lineWidth: 0 }),
        (value, options) => {
          const text = stringify(value, options)
          const plain = readPlainYaml(text)
          if (plain === undefined) return
          read++
          expect(plain).toEqual(parse(text))
        },
      ),
      { numRuns: 500 },
    )
    expect(read).toBeGreaterThan(3)
  })

  it('reads arbitrary lines as the package does, or not at all', () => {
    const piece = fc.constantFrom(
      'a',
      'b:',
      ' ',
      '  ',
      '- ',
      '-',
      ': ',
      '\n',
      '\n',
      '"',
      "'",
      '#',
      ' #',
      'x: y',
      '/',
      'true',
      '1',
      '[',
      '{}',
      '=',
      '---',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join('')
        const plain = readPlainYaml(text)
        if (plain !== undefined) expect(plain).toEqual(parse(text))
      }),
      { numRuns: 5_000 },
    )
  })
})
