/** The Secret with the SSH host key of the cluster's gateways. The API server makes it empty, and the first gateway fills it. */
export const gatewayHostKey = { namespace: 'kube-system', name: 'millrace-gateway-host-key' } as const
