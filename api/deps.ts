import type { Logger } from '../src/log/logger.ts';
import type { FindPlace } from '../src/storage/find-place.ts';
import type { Db } from '../src/store/db.ts';
import type { Tenant } from '../src/store/tenants.ts';
import type { Schedules } from '../src/temporal/schedules.ts';
import type { Admitter } from './submission/admitter.ts';
import type { HealthParts } from './health/parts.ts';
import type { RateLimits } from './limits/rate-limits.ts';
import type { SourceLookup } from './submission/source-lookup.ts';

/** What the API is given. */
export interface ApiDeps {
  readonly db: Db;
  readonly log: Logger;
  readonly admitter: Admitter;
  /** Why a URL may not be called for a tenant with these networks, or undefined where it may. */
  readonly checkUrl: (url: string, allowedNetworks: readonly string[]) => string | undefined;
  readonly now: () => Date;
  /** How the parts of the engine are asked for `GET /health`. */
  readonly health: HealthParts;
  /** Looks into the folders of a submission with `dry_run=1`. */
  readonly lookUpSource: SourceLookup;
  /** Where a tenant's storages are, without a connection to them. */
  readonly findPlace: FindPlace;
  /** Default none. */
  readonly limits?: RateLimits;
  readonly schedules: Schedules;
  /** Brings the schedule of scheduled jobs to the interval that the settings say. */
  readonly syncScheduleInterval?: () => Promise<unknown>;
}

/** The body of a request: JSON within the limits. */
export interface RequestBody {
  /** As it was sent. */
  readonly text: string;
  readonly value: unknown;
}

/** What middleware leaves for the handlers. */
export interface ApiEnv {
  Variables: {
    requestId: string;
    /** Who asks; not set on routes that are open to everybody. */
    tenant: Tenant;
    /** Undefined where the request has none. */
    body: RequestBody | undefined;
  };
}
