import type { RunGpu } from './backend.js'

/** As NVIDIA's tools take it: the uuid stays true when the driver counts anew. */
export const gpuName = ({ index, uuid }: RunGpu): string => uuid ?? String(index)

/** For NVIDIA's container tools, whose images ask for all GPUs by themselves: those of the run, or none. Nothing on a node without GPUs. */
export function nvidiaEnvironment(gpus: readonly RunGpu[] | undefined): Record<string, string> {
  if (gpus === undefined) return {}
  return { NVIDIA_VISIBLE_DEVICES: gpus.length === 0 ? 'void' : gpus.map(gpuName).join(',') }
}

/** For a process of the node, which sees every device: CUDA shows it those of the run, or none. Indexes are those of the PCI bus. */
export function cudaEnvironment(gpus: readonly RunGpu[] | undefined): Record<string, string> {
  if (gpus === undefined) return {}
  return { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: gpus.map(gpuName).join(','), ...nvidiaEnvironment(gpus) }
}
