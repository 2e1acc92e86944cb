import { expect, it } from 'vitest'
import { readMountPoints } from './mount-points.js'

const mountinfo = [
  '21 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '90 21 0:50 / /srv/cluster rw - tmpfs tmpfs rw',
  '91 90 7:0 / /srv/cluster/nodes/n1 rw shared:5 - ext4 /dev/loop0 rw',
  '92 91 7:0 / /srv/cluster/nodes/n1/my\\040images\\134 rw - ext4 /dev/loop1 rw',
  '93 90 7:0 / /srv/cluster/nodes/n1 rw - ext4 /dev/loop2 rw',
  '94 21 7:0 / /srv/cluster-2/nodes rw - ext4 /dev/loop3 rw',
  '',
].join('\n')

it.each([
  ['/srv/cluster', ['/srv/cluster/nodes/n1', '/srv/cluster/nodes/n1/my images\\']],
  ['/srv/cluster/nodes/n1', ['/srv/cluster/nodes/n1/my images\\']],
  ['/srv/other', []],
])('below %s are the mount points %j', (directory, points) => {
  expect(readMountPoints(mountinfo, directory)).toEqual(points)
})
