import { joinObject, sliceMembers } from './raw-json.ts';

/** How a tenant wants the bodies of its callbacks; see `src/contract/callback-shape.ts` for the template. */
export interface CallbackShape {
  readonly task?: unknown;
  readonly job?: unknown;
}

/** Raw text of the value at a path (`$.metadata.duration`) of a JSON text, undefined where there is none. */
function rawAt(text: string, path: string): string | undefined {
  let raw: string | undefined = text;
  for (const key of path.split('.').slice(1)) raw = sliceMembers(raw ?? '').get(key);
  return raw;
}

function render(template: unknown, body: string): string | undefined {
  if (typeof template === 'string') {
    if (template.startsWith('$.')) return rawAt(body, template);
    return JSON.stringify(template.startsWith('$$') ? template.slice(1) : template);
  }
  if (Array.isArray(template)) {
    return `[${template.map((part) => render(part, body) ?? 'null').join(',')}]`;
  }
  if (typeof template !== 'object' || template === null) return JSON.stringify(template);
  const members = Object.entries(template).flatMap(([key, part]) => {
    const raw = render(part, body);
    return raw === undefined ? [] : [[key, raw] as const];
  });
  return joinObject(members);
}

/**
 * The body that a tenant gets in place of the contract's. Values go in as the bytes they were, so that
 * `custom_data` stays what the client sent. Without a template for its kind the body is the contract's.
 */
export function shapeCallback(
  shape: CallbackShape | null,
  kind: 'task' | 'job',
  body: string,
): string {
  const template = shape?.[kind];
  return template === undefined ? body : (render(template, body) ?? 'null');
}
