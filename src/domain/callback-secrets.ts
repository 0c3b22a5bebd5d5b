/** What a signing secret is sealed for, so that it opens nowhere else. */
export const signingContext = (tenantId: number): string => `signing_secrets/${tenantId}`;

/** What a client certificate with its key is sealed for. */
export const certificateContext = (tenantId: number): string => `callback_certificate/${tenantId}`;
