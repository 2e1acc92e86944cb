import { expect, it } from 'vitest'
import { cudaEnvironment, nvidiaEnvironment } from './gpu-environment.js'

it.each([
  ['on a node without GPUs', undefined, {}],
  ['that asked for none', [], { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' }],
  [
    'with two',
    [{ index: 0, uuid: 'GPU-a' }, { index: 3 }],
    { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: 'GPU-a,3', NVIDIA_VISIBLE_DEVICES: 'GPU-a,3' },
  ],
])('a process %s', (_which, gpus, env) => {
  expect(cudaEnvironment(gpus)).toEqual(env)
  const { NVIDIA_VISIBLE_DEVICES } = env as Record<string, string>
  expect(nvidiaEnvironment(gpus)).toEqual(NVIDIA_VISIBLE_DEVICES === undefined ? {} : { NVIDIA_VISIBLE_DEVICES })
})
