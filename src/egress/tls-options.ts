/** What a client shows to receivers that ask for a certificate: both in PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** How TLS is spoken for a tenant. */
export interface TlsOptions {
  /** False: the receiver's certificate is not verified. */
  readonly isVerified: boolean;
  readonly certificate: ClientCertificate | undefined;
}
