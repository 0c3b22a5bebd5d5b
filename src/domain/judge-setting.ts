import { knownSetting, knownText } from './settings.ts';

/** What an administrator lets tenants without a role choose from; null is no bound. */
export interface Cap {
  readonly least: number | null;
  readonly most: number | null;
}

/** A setting's value as it is kept, or why it cannot be. */
export type JudgedSetting =
  | { readonly kind: 'value'; readonly text: string }
  /** No value at all for this name. */
  | { readonly kind: 'invalid'; readonly fault: string }
  /** A value, but not for who asks. */
  | { readonly kind: 'beyond cap'; readonly fault: string };

/** Names of settings. */
export const SETTING_NAME = /^[a-z][a-z0-9_]{0,62}$/;

/** Longest value, characters. */
export const MOST_SETTING_CHARACTERS = 1000;

/** Settings that one tenant, or the system, may have. */
export const MOST_SETTINGS = 100;

const invalid = (fault: string): JudgedSetting => ({ kind: 'invalid', fault });

/**
 * Judges a value that is a number, a boolean or text. Names the engine reads take whole numbers in
 * their range, sent as text too (contract: `"setting": "4"`). A cap bounds numbers; a name with a cap
 * takes numbers only; texts that the engine reads take none.
 */
export function judgeSetting(
  name: string,
  value: number | boolean | string,
  cap: Cap | undefined,
): JudgedSetting {
  const rule = knownText(name);
  if (rule !== undefined) {
    const text = rule.normalize(String(value));
    return text === undefined ? invalid(`must be ${rule.rule}`) : { kind: 'value', text };
  }
  const known = knownSetting(name);
  const number = typeof value === 'boolean' || `${value}`.trim() === '' ? NaN : Number(value);
  if (known !== undefined) {
    const { least, most } = known;
    if (!Number.isInteger(number) || number < least || number > most) {
      return invalid(`must be a whole number from ${least} to ${most}`);
    }
  } else if (cap !== undefined && !Number.isFinite(number)) {
    return invalid('must be a number: an administrator has set bounds for it');
  }
  const text = known === undefined ? String(value) : String(number);
  if (text.length > MOST_SETTING_CHARACTERS) {
    return invalid(`may have ${MOST_SETTING_CHARACTERS} characters at most`);
  }
  if (text.includes('\u0000')) return invalid('may hold no NUL character');
  const fault = cap && beyond(number, cap);
  return fault === undefined ? { kind: 'value', text } : { kind: 'beyond cap', fault };
}

function beyond(number: number, cap: Cap): string | undefined {
  if (cap.most !== null && number > cap.most) return `may be ${cap.most} at most for this client`;
  if (cap.least !== null && number < cap.least)
    return `must be ${cap.least} at least for this client`;
  return undefined;
}
