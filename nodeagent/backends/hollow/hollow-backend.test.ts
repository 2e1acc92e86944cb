import { describeBackend } from '../contract/backend.contract.js'
import type { ContractPrograms } from '../contract/contract-bed.contract.js'
import { HollowBackend, HollowMachine } from './hollow-backend.js'

const programs: ContractPrograms = {
  exit: (code) => ['exit', String(code)],
  sleep: ['sleep'],
  stubborn: ['stubborn'],
  print: (out, err) => ['print', out, err],
  printEnv: (name) => ['env', name],
  echo: () => ['sleep'],
  missing: ['missing'],
  hungry: ['hungry'],
}

describeBackend(
  'hollow',
  async () => {
    const machine = new HollowMachine()
    return { open: async () => new HollowBackend(machine), programs, image: 'busybox:1.36' }
  },
  { sessions: false },
)
