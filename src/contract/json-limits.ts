/** What a body may hold; checked on its text, before anything recursive sees it. */
export interface JsonLimits {
  readonly depth: number;
  /** Keys of all objects together. */
  readonly keys: number;
  /** Entries of one array. */
  readonly arrayLength: number;
}

/** Limits of a submission. */
export const BODY_LIMITS: JsonLimits = { depth: 64, keys: 10_000, arrayLength: 5000 };

/**
 * Why a JSON text is too large in shape, or undefined where it is not. One pass without recursion:
 * 200,000 nested arrays parse, and then break whatever walks them.
 */
export function exceedsLimits(text: string, limits: JsonLimits): string | undefined {
  const commas: number[] = [];
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        for (at += 1; at < text.length && text.charCodeAt(at) !== 0x22; at++) {
          if (text.charCodeAt(at) === 0x5c) at += 1;
        }
        break;
      case 0x5b: // [
        commas.push(0);
        break;
      case 0x7b: // {
        commas.push(Number.NEGATIVE_INFINITY);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        commas.pop();
        break;
      case 0x3a: // :
        keys += 1;
        if (keys > limits.keys) return `has more than ${limits.keys} keys`;
        break;
      case 0x2c: {
        // ,
        const last = commas.length - 1;
        const count = (commas[last] ?? 0) + 1;
        if (last >= 0) commas[last] = count;
        if (count >= limits.arrayLength)
          return `has an array of more than ${limits.arrayLength} entries`;
        break;
      }
      default:
    }
    if (commas.length > limits.depth) return `is nested deeper than ${limits.depth} levels`;
  }
  return undefined;
}
