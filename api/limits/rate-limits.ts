/** How much is let in; 0 limits nothing. Each process counts for itself. */
export interface RateLimits {
  /** Requests of one tenant that change something, a minute. */
  readonly writesPerMinute: number;
  /** Other requests of one tenant, a minute. */
  readonly readsPerMinute: number;
  /** Failed logins of one address, and for one name, a minute. */
  readonly failedLoginsPerMinute: number;
  /** Proxies before the API whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: number;
}

/** Lets everybody in as often as they like, behind no proxy. */
export const UNLIMITED: RateLimits = {
  writesPerMinute: 0,
  readsPerMinute: 0,
  failedLoginsPerMinute: 0,
  trustedProxies: 0,
};
