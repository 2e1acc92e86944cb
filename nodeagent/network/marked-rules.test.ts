import { expect, it } from 'vitest'
import { markedRules } from './marked-rules.js'

it('what iptables prints with quotes is found, and what only begins so is not', () => {
  const listed =
    '-P OUTPUT ACCEPT\n-A OUTPUT -o lo -m comment --comment "millrace:u-1" -j REJECT\n-A OUTPUT -o lo -m comment --comment "millrace:u-12" -j REJECT'
  expect(markedRules(listed, 'OUTPUT', 'u-1')).toEqual([['-o', 'lo', '-m', 'comment', '--comment', 'millrace:u-1', '-j', 'REJECT']])
})
