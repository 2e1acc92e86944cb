import type { Logger } from '../../../../lib/base/log.js'
import { machineUserRange, pickUserId } from '../../../execute/user-ids.js'
import type { MachineFiles } from './machine-files.js'

/** The users of the machines of a node, none of which two have: each is written down in its machine's record, and kept as long as that is there. */
export class MachineUsers {
  private constructor(private readonly taken: Map<string, number>) {}

  /** One machine whose record cannot be read is no reason to look after none. Its user, if it ever had one, has its folder as well. */
  static async open(files: MachineFiles, log: Logger): Promise<MachineUsers> {
    const taken = new Map<string, number>()
    for (const uid of await files.uids()) {
      const userId = await files.read(uid).then(
        (record) => record?.userId,
        async (err: unknown) => {
          const passer = await files.passer(uid)
          const { first, count } = machineUserRange
          const known = passer >= first && passer < first + count ? passer : undefined
          log.error(
            { err, vm: uid, userId: known },
            'the record of a virtual machine cannot be read: it is not started until its file is mended',
          )
          return known
        },
      )
      if (userId !== undefined) taken.set(uid, userId)
    }
    return new MachineUsers(taken)
  }

  /** The machine's, the same at every call; the caller writes it down before anything is its. */
  of(uid: string): number {
    const known = this.taken.get(uid)
    if (known !== undefined) return known
    const userId = pickUserId(uid, 0, new Set(this.taken.values()), machineUserRange)
    this.taken.set(uid, userId)
    return userId
  }

  /** Nothing of the machine is left. */
  release(uid: string): void {
    this.taken.delete(uid)
  }
}
