import { z } from 'zod';
import { joinObject, sliceMembers } from './raw-json.ts';

/**
 * How a tenant wants its callbacks' bodies: a template for task callbacks, one for job callbacks. A template
 * is JSON; in it a text that begins with `$.` stands for the value at that path of the contract's body
 * (`$.metadata.duration`), as it was written there; `$$` at the beginning is a plain dollar sign. A member
 * whose path leads to nothing is left out, an entry of an array becomes null. Data, never code.
 */
export const CallbackShape = z
  .strictObject({
    task: z.unknown().optional(),
    job: z.unknown().optional(),
  })
  .superRefine((shape, context) => {
    for (const kind of ['task', 'job'] as const) {
      const fault = shape[kind] === undefined ? undefined : templateFault(shape[kind], 0);
      if (fault !== undefined) {
        context.addIssue({ code: 'custom', path: [kind], message: fault });
      }
    }
  });

/** {@link CallbackShape} as it comes out of the schema. */
export type CallbackShape = z.infer<typeof CallbackShape>;

const MOST_LEVELS = 16;
const MOST_CHARACTERS = 16 * 1024;
const PATH = /^\$(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/;

function templateFault(template: unknown, level: number): string | undefined {
  if (level === 0 && JSON.stringify(template).length > MOST_CHARACTERS) {
    return `has more than ${MOST_CHARACTERS} characters`;
  }
  if (level > MOST_LEVELS) return `is nested more than ${MOST_LEVELS} levels`;
  if (typeof template === 'string' && template.startsWith('$.') && !PATH.test(template)) {
    return `${JSON.stringify(template.slice(0, 60))} is no path: it must look like $.metadata.duration`;
  }
  if (typeof template !== 'object' || template === null) return undefined;
  for (const part of Object.values(template)) {
    const fault = templateFault(part, level + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Raw text of the value at a path of a JSON text, undefined where there is none. */
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
  shape: CallbackShape | undefined,
  kind: 'task' | 'job',
  body: string,
): string {
  const template = shape?.[kind];
  return template === undefined ? body : (render(template, body) ?? 'null');
}
