import { maskSecret } from '../../src/domain/mask.ts';

/** Words shorter than this are no secret worth looking for: `Bearer`, `Basic`. */
const LEAST_CHARACTERS = 8;

/** What of a header's value must not be kept: all of it, its longer words, and both as JSON spells them. */
function secretsIn(values: readonly string[]): readonly string[] {
  const secrets = values.flatMap((value) => [
    value,
    ...value.split(' ').filter((word) => word.length >= LEAST_CHARACTERS),
  ]);
  const spelled = secrets.flatMap((one) => [one, JSON.stringify(one).slice(1, -1)]);
  // the longest first: a word of a value is masked only where the value as a whole is not
  return [...new Set(spelled)].sort((a, b) => b.length - a.length);
}

/**
 * What a receiver answered, to be kept, without the headers it was sent: some echo them. A secret that
 * the text's end cuts off is taken out as well.
 */
export function withoutSecrets(answer: string, headers: Readonly<Record<string, string>>): string {
  let text = answer;
  const secrets = secretsIn(Object.values(headers));
  for (const secret of secrets) text = text.replaceAll(secret, maskSecret(secret));
  for (const secret of secrets) {
    for (let length = secret.length - 1; length >= LEAST_CHARACTERS; length--) {
      if (text.endsWith(secret.slice(0, length))) text = `${text.slice(0, -length)}****`;
    }
  }
  return text;
}
