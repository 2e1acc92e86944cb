import { readFileSync, realpathSync } from 'node:fs'

/** What is mounted below a directory, outermost first; none where the kernel does not tell. The directory itself does not count. */
export function mountPointsIn(directory: string): string[] {
  try {
    return readMountPoints(readFileSync('/proc/self/mountinfo', 'utf8'), realpathSync(directory))
  } catch {
    return []
  }
}

/** Of the text of mountinfo, which has the mount point as its fifth field, with what separates fields in octal. */
export function readMountPoints(mountinfo: string, directory: string): string[] {
  const points = mountinfo.split('\n').map((line) => {
    const field = line.split(' ')[4] ?? ''
    return field.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  })
  return [...new Set(points.filter((point) => point.startsWith(`${directory}/`)))].sort()
}
