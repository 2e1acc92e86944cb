import { volumeFields } from '../kinds/task.js'
import { type Output, t } from '../schema/t.js'
import { foreign } from './foreign-field.js'

const why = 'volumes are emptyDir, hostPath, secret and configMap'
const source = () => foreign(t.anything(), why)

/** A volume of a Pod template. */
export const VolumeTemplateSchema = t.object({
  ...volumeFields,
  persistentVolumeClaim: source(),
  projected: source(),
  downwardAPI: source(),
  ephemeral: source(),
  csi: source(),
  image: source(),
  nfs: source(),
  iscsi: source(),
  fc: source(),
  rbd: source(),
  cephfs: source(),
  cinder: source(),
  glusterfs: source(),
  flexVolume: source(),
  flocker: source(),
  gitRepo: source(),
  gcePersistentDisk: source(),
  awsElasticBlockStore: source(),
  azureFile: source(),
  azureDisk: source(),
  vsphereVolume: source(),
  quobyte: source(),
  photonPersistentDisk: source(),
  portworxVolume: source(),
  scaleIO: source(),
  storageos: source(),
})
export type VolumeTemplate = Output<typeof VolumeTemplateSchema>
