import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const tool = 'nvidia-smi'
const toolTimeoutMs = 20_000

/**
 * The fields of each GPU that NVIDIA's tool knows, in the order of `columns`; undefined where it is not installed, or reaches no driver.
 */
export async function askNvidia(
  columns: readonly string[],
  searchPath: string,
  timeoutMs = toolTimeoutMs,
): Promise<string[][] | undefined> {
  try {
    const options = { env: { PATH: searchPath }, timeout: timeoutMs }
    const { stdout } = await promisify(execFile)(tool, [`--query-gpu=${columns.join(',')}`, '--format=csv,noheader,nounits'], options)
    return stdout
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => line.split(',').map((field) => field.trim()))
  } catch {
    return undefined
  }
}
