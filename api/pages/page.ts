import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';

/** HTML that is safe to put into a page. */
export type Html = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --line: #d5d9e0; --faint: #606a78; --back: #fff; --head: #f3f5f8;
  --ok: #1a6d36; --info: #1456b0; --warn: #8a5300; --error: #b3202c; }
@media (prefers-color-scheme: dark) { :root { --line: #353b45; --faint: #9aa4b2; --back: #15181d;
  --head: #1e2229; --ok: #6fca8b; --info: #7fb2f5; --warn: #f0b45b; --error: #ff8d92; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 90rem; padding: 1.5rem; background: var(--back);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.4rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
p { margin: .25rem 0; } .faint { color: var(--faint); } .number { text-align: right; }
table { width: 100%; margin-top: .75rem; border-collapse: collapse; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { position: sticky; top: 0; background: var(--head); font-weight: 600; }
td, time { font-variant-numeric: tabular-nums; } time { white-space: nowrap; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.badge { font-weight: 600; } .badge.ok { color: var(--ok); } .badge.info { color: var(--info); }
.badge.warn { color: var(--warn); } .badge.error { color: var(--error); }
tr.error { background: color-mix(in srgb, var(--error) 9%, transparent); }
tr.warn { background: color-mix(in srgb, var(--warn) 8%, transparent); }
tr.debug td { color: var(--faint); }
@media (max-width: 45rem) { body { padding: .75rem; } thead { display: none; }
  tr { display: block; border-bottom: 1px solid var(--line); }
  td, td.number { display: inline-block; padding: .2rem .4rem; border: 0; text-align: left; }
  td.text { display: block; } }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** A page loads nothing, runs nothing, sends nothing and takes no style but its own. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** A whole page around what it shows. */
export const buildPage = (title: string, content: Html): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
${content}
</body>
</html>
`;

/** A moment, to the millisecond, UTC; a dash where there is none. */
export const showTime = (date: Date | null): Html | string => {
  if (date === null) return '–';
  const text = date.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, -1)}</time>`;
};
