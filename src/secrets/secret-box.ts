import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** Seals texts for the database and opens them again (AES-256-GCM). */
export interface SecretBox {
  /** False without a key: then nothing can be sealed or opened. */
  readonly hasKey: boolean;
  /**
   * Seals a text. `context` says what it belongs to, a row and a column: sealed text moved to another
   * row does not open there. Throws {@link SecretsKeyError} without a key.
   */
  readonly seal: (text: string, context: string) => string;
  /** Opens what was sealed for this context. Throws {@link SecretsKeyError}. */
  readonly open: (sealed: string, context: string) => string;
}

/** A sealed text cannot be made or opened with the keys there are. The message holds no secret. */
export class SecretsKeyError extends Error {
  override readonly name = 'SecretsKeyError';
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Names a key without telling it. */
const keyIdOf = (key: Buffer): string => createHash('sha256').update(key).digest('hex').slice(0, 8);

/**
 * Makes a {@link SecretBox} of keys of 32 bytes: the first seals, all open, so that a new one can be put
 * before the old. Sealed text is `v1.<key id>.<nonce>.<ciphertext and tag>`, base64url.
 */
export function createSecretBox(keys: readonly Buffer[]): SecretBox {
  const [sealing] = keys;
  const byId = new Map(keys.map((key) => [keyIdOf(key), key]));
  return {
    hasKey: sealing !== undefined,
    seal: (text, context) => {
      if (sealing === undefined) {
        throw new SecretsKeyError(
          'SECRETS_KEY is not set: nothing secret is kept without it. Make one with openssl rand -base64 32 ' +
            'and give it to api, worker and this command',
        );
      }
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, sealing, nonce).setAAD(Buffer.from(context));
      const parts = [cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      const sealed = Buffer.concat(parts).toString('base64url');
      return `v1.${keyIdOf(sealing)}.${nonce.toString('base64url')}.${sealed}`;
    },
    open: (sealed, context) => {
      const [version, keyId = '', nonce = '', body = ''] = sealed.split('.');
      if (version !== 'v1') throw new SecretsKeyError('sealed text of an unknown version');
      const key = byId.get(keyId);
      if (key === undefined) {
        throw new SecretsKeyError(`sealed with key ${keyId}, which SECRETS_KEY does not hold`);
      }
      const bytes = Buffer.from(body, 'base64url');
      const end = Math.max(0, bytes.length - TAG_BYTES);
      try {
        const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(nonce, 'base64url'), {
          authTagLength: TAG_BYTES,
        })
          .setAAD(Buffer.from(context))
          .setAuthTag(bytes.subarray(end));
        return `${decipher.update(bytes.subarray(0, end), undefined, 'utf8')}${decipher.final('utf8')}`;
      } catch (error) {
        throw new SecretsKeyError('sealed text was changed, or belongs elsewhere', {
          cause: error,
        });
      }
    },
  };
}
