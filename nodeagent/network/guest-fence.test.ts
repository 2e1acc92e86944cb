import { describe, expect, it } from 'vitest'
import { fenceRules, ownNameservers } from './guest-fence.js'

describe('the fence around a guest', () => {
  it('refuses what its user begins on the node, and asks of the cloud; a name server of the node answers', () => {
    expect(fenceRules('u-1.0.0', 265_600, ['127.0.0.53']).map((words) => words.join(' '))).toEqual([
      '-d 169.254.0.0/16 -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT',
      '-d 169.254.0.0/16 -p tcp -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT --reject-with tcp-reset',
      '-o lo -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT',
      '-o lo -p tcp -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT --reject-with tcp-reset',
      '-d 127.0.0.53 -o lo -p udp --dport 53 -m owner --uid-owner 265600 -m comment --comment millrace:u-1.0.0 -j ACCEPT',
      '-d 127.0.0.53 -o lo -p tcp --dport 53 -m owner --uid-owner 265600 -m comment --comment millrace:u-1.0.0 -j ACCEPT',
    ])
  })

  it.each([
    ['on its loopback', 'nameserver 127.0.0.53\noptions edns0\n', ['127.0.0.53']],
    ['at its own address', 'nameserver 192.0.2.7\n', ['192.0.2.7']],
    ['elsewhere', 'nameserver 192.0.2.8\nnameserver ::1\nnameserver 127.0.0.1; -j\n', []],
  ])("the node's own name servers are those %s", (_where, text, expected) => {
    expect(ownNameservers(text, ['192.0.2.7'])).toEqual(expected)
  })
})
