/** Where the kernel shows what the machine is: a test shows another machine. */
export interface MachineRoots {
  readonly proc: string
  readonly sys: string
}

export const machineRoots: MachineRoots = { proc: '/proc', sys: '/sys' }
