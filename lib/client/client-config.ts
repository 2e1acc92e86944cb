import type { TokenPlace } from './kubeconfig/token-place.js'

/** What a client needs to know of a cluster: where it is, whom to trust, who asks. A context of a kubeconfig, resolved. */
export interface ClientConfig {
  /** As https://127.0.0.1:6443. A path in it is put before every request's path. */
  readonly server: string
  /** Where namespaced objects go that name no namespace. Default `default`. */
  readonly namespace?: string | undefined
  /** The certificate authority of the server. Default: the machine's. */
  readonly ca?: PemSource | undefined
  /** The client's certificate, with `key`. */
  readonly certificate?: PemSource | undefined
  readonly key?: PemSource | undefined
  /** A bearer token. `tokenFile` wins, and is read again when it changes. */
  readonly token?: string | undefined
  readonly tokenFile?: string | undefined
  /** Where `token` was read: a renewed one is written there. */
  readonly tokenPlace?: TokenPlace | undefined
  /** As whom the server shall take every request, where the user may do that. */
  readonly impersonate?: Impersonation | undefined
  /** Trusts any server. For experiments alone. */
  readonly insecureSkipTlsVerify?: boolean | undefined
  /** The name that the server's certificate must carry, where it is not the host of `server`. */
  readonly tlsServerName?: string | undefined
}

/** Another identity: `kubectl --as`. */
export interface Impersonation {
  readonly user: string
  readonly groups?: readonly string[] | undefined
  readonly uid?: string | undefined
}

/** PEM text, or a file that holds it; files are read again when they change, so that a renewed certificate is used without a restart. */
export type PemSource = { readonly data: string } | { readonly file: string }
