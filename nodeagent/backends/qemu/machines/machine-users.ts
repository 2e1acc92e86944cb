import type { Logger } from '../../../../lib/base/log.js'
import { pickUserId } from '../../../users/pick-user-id.js'
import type { UserRange } from '../../../users/workload-users.js'
import type { MachineFiles } from './machine-files.js'

/**
 * The users of the machines of a node, none of which two have: each is written
 * down in its machine's record, and kept as long as that is there.
 */
export class MachineUsers {
  private constructor(
    private readonly taken: Map<string, number>,
    private readonly range: UserRange | undefined,
  ) {}

  /** One machine whose record cannot be read is no reason to look after none. Its user, if it ever had one, has its folder as well. */
  static async open(files: MachineFiles, range: UserRange | undefined, log: Logger): Promise<MachineUsers> {
    const taken = new Map<string, number>()
    for (const uid of await files.uids()) {
      const userId = await files.read(uid).then(
        (record) => record?.userId,
        async (err: unknown) => {
          const known = (await files.passer(uid)) || undefined
          log.error(
            { err, vm: uid, userId: known },
            'the record of a virtual machine cannot be read: it is not started until its file is mended',
          )
          return known
        },
      )
      if (userId !== undefined) taken.set(uid, userId)
    }
    return new MachineUsers(taken, range)
  }

  /**
   * The user that the machine's next QEMU becomes: the same at every start, while it is of the agent's range. The caller writes it down
   * before anything is its. Undefined where the agent has none to give.
   */
  next(uid: string): number | undefined {
    if (!this.range) return undefined
    const known = this.taken.get(uid)
    if (known !== undefined && known >= this.range.first && known < this.range.first + this.range.count) return known
    const userId = pickUserId(uid, 0, new Set(this.taken.values()), this.range)
    this.taken.set(uid, userId)
    return userId
  }

  /** Nothing of the machine is left. */
  release(uid: string): void {
    this.taken.delete(uid)
  }
}
