/** What a tenant may be called: it is a header's value and the name of a folder. */
export const TENANT_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/i;
