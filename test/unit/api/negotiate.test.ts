import { expect, test } from 'vitest';
import { prefersHtml } from '../../../api/negotiate.ts';

test.each([
  'text/html',
  'TEXT/HTML',
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'application/json;q=0.5, text/html',
  'text/*, application/json;q=0.9',
  'application/json;q=0, */*',
  'text/html;level=1;q=0.7, application/json;q=0.6',
])('"%s" asks for a page', (accept) => {
  expect(prefersHtml(accept)).toBe(true);
});

test.each([
  undefined,
  '',
  '*/*',
  'application/json',
  'application/*',
  'application/json, text/html',
  'text/html;q=0.9, application/json',
  'text/html;q=0',
  'text/html;q=0, text/*;q=0.9',
  'text/html;q=nonsense',
  'image/png',
  'text/html;q=0.2, */*;q=0.3',
  ',;q=,;;',
])('"%s" is answered with JSON', (accept) => {
  expect(prefersHtml(accept)).toBe(false);
});
