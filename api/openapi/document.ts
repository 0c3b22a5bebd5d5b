import type { OpenAPIHono } from '@hono/zod-openapi';
import product from '../../package.json' with { type: 'json' };
import type { ApiEnv } from '../deps.ts';

/** The OpenAPI 3.1 document of all registered routes. */
export function buildDocument(app: OpenAPIHono<ApiEnv>): unknown {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Task Engine',
      version: product.version,
      description:
        'Submits video jobs, each a workflow of tasks, and tells of them. Errors are `{"error": …}`.',
    },
  });
}

/** Adds the two headers of the contract's authentication. */
export function registerCredentials(app: OpenAPIHono<ApiEnv>): void {
  const header = (name: string) => ({ type: 'apiKey', in: 'header', name }) as const;
  app.openAPIRegistry.registerComponent('securitySchemes', 'client', header('client'));
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', header('api-key'));
}
