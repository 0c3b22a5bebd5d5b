import { OpenAPIHono } from '@hono/zod-openapi';
import { describeIssue } from '../src/contract/fault.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import type { ApiDeps, ApiEnv } from './deps.ts';
import { ApiError, createErrorHandler, notFound } from './errors.ts';
import { rememberLogins } from './health/logins.ts';
import { createAuth } from './middleware/auth.ts';
import { createKeyUsage } from './auth/key-usage.ts';
import { createLoginGuard } from './auth/login-guard.ts';
import { createTurns } from './middleware/fair-share.ts';
import { jsonBody } from './middleware/json-body.ts';
import { createMethodGuard } from './middleware/method-guard.ts';
import { UNLIMITED } from './limits/rate-limits.ts';
import { createRateLimit } from './middleware/rate-limit.ts';
import { createRequestLog } from './middleware/request-log.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { buildDocument, registerCredentials } from './openapi/document.ts';
import { registerCallbacks } from './routes/callbacks.ts';
import { registerEvents } from './routes/events.ts';
import { registerDashboard } from './routes/dashboard.ts';
import { registerHealth } from './routes/health.ts';
import { registerJobChanges } from './routes/job-changes.ts';
import { registerJobs } from './routes/jobs.ts';
import { registerLogs } from './routes/logs.ts';
import { registerReference } from './routes/reference.ts';
import { registerRoot } from './routes/root.ts';
import { registerSchedules } from './routes/schedules.ts';
import { registerSettings } from './routes/settings.ts';
import { registerSubmit } from './routes/submit.ts';
import { registerUndo } from './routes/undo.ts';

/** Routes that need no credentials. */
const OPEN = ['/', '/docs', '/docs/*', '/health/live', '/health/ready', '/openapi.json'];

/** The REST API (contract §5). */
export function createApp(deps: ApiDeps): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const given: unknown = 'data' in result ? result.data : undefined;
      throw new ApiError(400, describeIssue(result.error, given));
    },
  });
  const isOpen = (path: string): boolean =>
    OPEN.some((one) => (one.endsWith('*') ? path.startsWith(one.slice(0, -1)) : path === one));
  const limits = deps.limits ?? UNLIMITED;
  const logins = rememberLogins(createAuthenticator(deps.db, { onUse: createKeyUsage(deps) }));
  const logIn = {
    guard: createLoginGuard(limits.failedLoginsPerMinute),
    trustedProxies: limits.trustedProxies,
  };
  const auth = createAuth(logins.authenticate, logIn);
  const healthAuth = createAuth(logins.authenticateInOutage, logIn);
  const rateLimit = createRateLimit(limits);
  const turns = createTurns();
  app.onError(createErrorHandler(deps.log));
  app.notFound(notFound);
  app.use(createRequestLog(deps.log));
  app.use(securityHeaders);
  app.use(jsonBody);
  app.use((c, next) => {
    if (isOpen(c.req.path)) return next();
    return c.req.path === '/health' ? healthAuth(c, next) : auth(c, next);
  });
  app.use((c, next) => (isOpen(c.req.path) ? next() : rateLimit(c, next)));
  app.use((c, next) => (isOpen(c.req.path) ? next() : turns(c, next)));
  app.use(createMethodGuard(app));
  registerCredentials(app);
  registerRoot(app);
  registerDashboard(app, deps);
  registerHealth(app, deps);
  registerSubmit(app, deps);
  registerJobs(app, deps);
  registerJobChanges(app, deps);
  registerUndo(app, deps);
  registerCallbacks(app, deps);
  registerEvents(app, deps);
  registerLogs(app, deps);
  registerSettings(app, deps);
  registerSchedules(app, deps);
  registerReference(app, buildDocument(app));
  return app;
}
