/** What those who bear witness leave in files. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** None when there is no such file yet. */
export function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

/** Whether a process holds this lock. */
export function isHeld(lock: string): boolean {
  try {
    execFileSync('flock', ['-n', lock, 'true'])
    return false
  } catch {
    return true
  }
}
