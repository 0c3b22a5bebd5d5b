import { signingContext } from '../../src/domain/callback-secrets.ts';
import { createSigningSecret, publicKeyOf } from '../../src/secrets/signing-secret.ts';
import {
  deleteSigningSecrets,
  listSigningSecrets,
  rotateSigningSecret,
} from '../../src/store/signing-secrets.ts';
import { type Command, type CommandResult, textOption, UsageError } from '../command.ts';
import { parseDuration } from '../duration.ts';
import { formatTable } from '../table.ts';
import { changeTenant, requireTenant } from '../tenant.ts';

const DEFAULT_OVERLAP = '24h';

/** `signing`: the secrets a tenant's callbacks are signed with. */
export const signing: Command = {
  name: 'signing',
  usage: '<tenant> [--rotate [--ed25519] [--overlap 24h] | --remove]',
  summary: 'show, make or end the secrets that the tenant’s callbacks are signed with',
  details: [
    '--rotate   makes a new secret and shows it once; the others sign beside it for the overlap',
    '--ed25519  makes a key pair (v1a) in place of a shared secret (v1); the public key is shown',
    '--overlap  how long the former secrets go on signing (default 24h)',
    '--remove   ends signing',
    'Signatures are those of Standard Webhooks 1.0. Secrets are kept sealed with SECRETS_KEY.',
  ],
  options: {
    rotate: { type: 'boolean' },
    ed25519: { type: 'boolean' },
    overlap: { type: 'string' },
    remove: { type: 'boolean' },
  },
  words: [1, 1],
  run: async ({ db, secrets }, [name = ''], options): Promise<CommandResult> => {
    if (options['rotate'] === true && options['remove'] === true) {
      throw new UsageError('--rotate and --remove exclude each other');
    }
    if (options['rotate'] === true) {
      const overlapSeconds = parseDuration(
        textOption(options, 'overlap') ?? DEFAULT_OVERLAP,
        'overlap',
      );
      const secret = createSigningSecret(options['ed25519'] === true ? 'v1a' : 'v1');
      await changeTenant(db, name, async (transaction, tenant) => {
        const sealed = secrets.seal(secret, signingContext(tenant.id));
        await rotateSigningSecret(transaction, tenant.id, sealed, overlapSeconds);
        const detail = { overlapSeconds };
        return { action: 'signing_secret.rotate', detail, result: undefined };
      });
      const shown = publicKeyOf(secret) ?? secret;
      return {
        text: `Callbacks of ${name} are signed with a new secret. ${shown === secret ? 'It is shown this once' : 'Its public key'}:\n${shown}`,
        json: { tenant: name, secret: shown },
      };
    }
    if (options['remove'] === true) {
      await changeTenant(db, name, async (transaction, tenant) => ({
        action: 'signing_secret.remove',
        detail: { secrets: await deleteSigningSecrets(transaction, tenant.id) },
        result: undefined,
      }));
    }
    const tenant = await requireTenant(db, name);
    const known = await listSigningSecrets(db, tenant.id);
    const rows = known.map(
      (one) =>
        [
          String(one.id),
          one.createdAt.toISOString(),
          one.expiresAt?.toISOString() ?? 'when it is replaced',
        ] as const,
    );
    return {
      text: formatTable(['secret', 'made', 'ends'], rows, `Callbacks of ${name} are not signed.`),
      json: { tenant: name, secrets: known.map(({ sealed: _, ...shown }) => shown) },
    };
  },
};
