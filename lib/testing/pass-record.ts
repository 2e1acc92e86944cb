import type { KubeObject } from '../api/define-kind.js'
import { objectName } from '../client/resource-path.js'
import type { Controller } from '../controller/controller.js'

/** So many passes over one object, and still no end, are a circle; so many that failed in a row are one, too. */
const mostPasses = 500
const mostFailures = 100

interface ObjectPasses {
  readonly subject: string
  count: number
  failuresInARow: number
  /** Of the last pass that ended; undefined when it went well. */
  failure: unknown
}

/** What controllers did since `begin`: which objects they looked at, how often, and with what result. */
export class PassRecord {
  #objects = new Map<string, ObjectPasses>()
  readonly #underWay = new Set<ObjectPasses>()
  /** Passes begun so far, ever. */
  total = 0

  begin(): void {
    this.#objects = new Map()
  }

  /** The controller, with its passes recorded, and without pauses before retries: a test need not move the clock for them. */
  recorded(controller: Controller): Controller {
    const record =
      <Draft extends object, Rest extends unknown[], Result>(work: (object: Draft, ...rest: Rest) => Promise<Result>) =>
      async (object: Draft, ...rest: Rest): Promise<Result> => {
        const passes = this.#passesOf(controller, object as unknown as KubeObject)
        this.total++
        passes.count++
        this.#underWay.add(passes)
        try {
          const result = await work(object, ...rest)
          passes.failuresInARow = 0
          passes.failure = undefined
          return result
        } catch (error) {
          passes.failuresInARow++
          passes.failure = error
          throw error
        } finally {
          this.#underWay.delete(passes)
        }
      }
    const { reconcile, finalize } = controller
    return {
      ...controller,
      retries: { backoff: { initialMs: 0, maxMs: 0 }, retryRate: { perSecond: 1e9, burst: 1e9 } },
      reconcile: record(reconcile),
      ...(finalize ? { finalize: record(finalize) } : {}),
    }
  }

  /** A sentence about what keeps coming back, if anything does. */
  circle(lastChange: string): string | undefined {
    const passes = [...this.#objects.values()].find(({ count, failuresInARow }) => count >= mostPasses || failuresInARow >= mostFailures)
    if (!passes) return undefined
    const reason = passes.failure === undefined ? `the last change was ${lastChange}` : `the last pass failed: ${messageOf(passes.failure)}`
    return `${passes.subject} has come back ${passes.count} times, and there is no end to it: ${reason}`
  }

  /** What is being done now, in words. */
  underWay(): string {
    const subjects = [...this.#underWay].map(({ subject }) => subject)
    return subjects.length === 0 ? 'no pass is under way' : `under way: ${[...new Set(subjects)].join(', ')}`
  }

  #passesOf({ name }: Controller, object: KubeObject): ObjectPasses {
    const subject = `the pass of ${name} over ${object.kind} ${objectName(object)}`
    const passes = this.#objects.get(subject) ?? { subject, count: 0, failuresInARow: 0, failure: undefined }
    this.#objects.set(subject, passes)
    return passes
  }
}

/** What is said of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
