import { describe, expect, it } from 'vitest'
import { fencedNameservers, fenceRules } from './guest-fence.js'

describe('the fence around a guest', () => {
  it('refuses what its user begins on the node, and asks of the cloud; a name server of the node answers', () => {
    expect(fenceRules('u-1.0.0', 265_600, ['127.0.0.53']).map((words) => words.join(' '))).toEqual([
      '-d 169.254.0.0/16 -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT',
      '-d 169.254.0.0/16 -p tcp -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT --reject-with tcp-reset',
      '-d 168.63.129.16/32 -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT',
      '-d 168.63.129.16/32 -p tcp -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT --reject-with tcp-reset',
      '-d 100.100.100.200/32 -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT',
      '-d 100.100.100.200/32 -p tcp -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT --reject-with tcp-reset',
      '-o lo -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT',
      '-o lo -p tcp -m owner --uid-owner 265600 -m conntrack --ctstate NEW -m comment --comment millrace:u-1.0.0 -j REJECT --reject-with tcp-reset',
      '-d 127.0.0.53 -p udp --dport 53 -m owner --uid-owner 265600 -m comment --comment millrace:u-1.0.0 -j ACCEPT',
      '-d 127.0.0.53 -p tcp --dport 53 -m owner --uid-owner 265600 -m comment --comment millrace:u-1.0.0 -j ACCEPT',
    ])
  })

  it.each([
    ['on its loopback', 'nameserver 127.0.0.53\noptions edns0\n', ['127.0.0.53']],
    ['at its own address', 'nameserver 192.0.2.7\n', ['192.0.2.7']],
    ["where its cloud's are", 'nameserver 169.254.169.254\nnameserver 168.63.129.16\n', ['169.254.169.254', '168.63.129.16']],
    ['elsewhere', 'nameserver 192.0.2.8\nnameserver ::1\nnameserver 127.0.0.1; -j\n', []],
  ])('the name servers behind the fence are those %s', (_where, text, expected) => {
    expect(fencedNameservers(text, ['192.0.2.7'])).toEqual(expected)
  })
})
