import type { Context } from 'hono';
import type { ApiEnv } from '../deps.ts';
import { prefersHtml } from '../negotiate.ts';
import { type Html, PAGE_POLICY } from './page.ts';

/** Answers with the page where the client prefers one, with JSON text everywhere else. */
export async function pageOrJson(
  c: Context<ApiEnv>,
  forms: { readonly page: () => Html; readonly json: () => string },
): Promise<Response> {
  c.header('vary', 'Accept');
  if (!prefersHtml(c.req.header('accept'))) {
    return c.body(forms.json(), 200, { 'content-type': 'application/json' });
  }
  c.header('content-security-policy', PAGE_POLICY);
  return c.html(forms.page(), 200);
}
