import type { OpenAPIHono } from '@hono/zod-openapi';
import product from '../../package.json' with { type: 'json' };
import type { ApiEnv } from '../deps.ts';

const DESCRIPTION = `Submits video jobs, each a workflow of tasks, and tells of them.

Every request but \`GET /\` and the probes \`/health/live\` and \`/health/ready\` names the client and one of its keys in the headers \`client\` and \`api-key\`.
A client sees its own jobs only. Errors are \`{"error": …}\`; every answer carries \`x-request-id\`.
Times are ISO 8601 in UTC with milliseconds.`;

/** The OpenAPI 3.1 document of all registered routes. */
export function buildDocument(app: OpenAPIHono<ApiEnv>): object {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Task Engine',
      version: product.version,
      description: DESCRIPTION,
      license: { name: product.license, url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
  });
}

/** Adds the two headers of the contract's authentication. */
export function registerCredentials(app: OpenAPIHono<ApiEnv>): void {
  const add = (id: string, name: string, description: string): void => {
    app.openAPIRegistry.registerComponent('securitySchemes', id, {
      type: 'apiKey',
      in: 'header',
      name,
      description,
    });
  };
  add('client', 'client', "The client's name");
  add('apiKey', 'api-key', "One of the client's keys");
}
