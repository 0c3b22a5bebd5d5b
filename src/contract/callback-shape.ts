import { z } from 'zod';

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
      const template = shape[kind];
      const fault = template === undefined ? undefined : shapeFault(template);
      if (fault !== undefined) {
        context.addIssue({ code: 'custom', path: [kind], message: fault });
      }
    }
  });

const MOST_LEVELS = 16;
const MOST_CHARACTERS = 16 * 1024;
const PATH = /^\$(?:\.[A-Za-z_][A-Za-z0-9_-]*)+$/;

function shapeFault(template: unknown): string | undefined {
  if (template === null) return "is null; leave it out to get the contract's body";
  // levels first: what is nested without end cannot be turned into text
  const fault = templateFault(template, 0);
  if (fault !== undefined) return fault;
  return JSON.stringify(template).length > MOST_CHARACTERS
    ? `has more than ${MOST_CHARACTERS} characters`
    : undefined;
}

function templateFault(template: unknown, level: number): string | undefined {
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
