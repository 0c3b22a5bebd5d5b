import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CallbackShape } from '../../src/contract/callback-shape.ts';
import { describeIssue } from '../../src/contract/fault.ts';
import { certificateContext } from '../../src/domain/callback-secrets.ts';
import { parseRetryWaits } from '../../src/domain/retry-schedule.ts';
import {
  type CallbackSettings,
  getCallbackSettings,
  putCallbackSettings,
} from '../../src/store/callback-settings.ts';
import type { Db } from '../../src/store/db.ts';
import {
  CliError,
  type Command,
  type CommandContext,
  type CommandResult,
  type OptionValues,
  textOption,
  UsageError,
} from '../command.ts';
import { formatTable } from '../table.ts';
import { changeTenant, requireTenant } from '../tenant.ts';

type Part = Partial<CallbackSettings>;

async function readShape(path: string | undefined): Promise<Part> {
  if (path === undefined) return {};
  if (path === '') return { shape: null };
  const text = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError(`${path} is not JSON`, { cause: error });
  }
  const parsed = CallbackShape.safeParse(value);
  if (!parsed.success) throw new CliError(`${path}: ${describeIssue(parsed.error, value)}`);
  return { shape: parsed.data };
}

function parseUrls(text: string | undefined): Part {
  if (text === undefined) return {};
  const urls = text.split(' ').filter((one) => one !== '');
  for (const url of urls) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
      throw new UsageError(`--urls holds ${url}, which is no http or https URL`);
    }
  }
  return { defaultUrls: urls };
}

function parseRetry(text: string | undefined): Part {
  if (text === undefined) return {};
  if (text === '') return { retryWaitsSeconds: null };
  const waits = parseRetryWaits(text);
  if (waits === undefined) {
    throw new UsageError('--retry takes 1 to 30 waits in seconds, each 1 to 604800: 5,300,1800');
  }
  return { retryWaitsSeconds: waits };
}

function parseVerify(text: string | undefined): Part {
  if (text === undefined) return {};
  if (text !== 'on' && text !== 'off') throw new UsageError('--verify-tls takes on or off');
  return { verifiesTls: text === 'on' };
}

/** The certificate of a file with its key from standard input, judged and sealed. */
async function readCertificate(
  { secrets, readSecret }: CommandContext,
  tenantId: number,
  path: string | undefined,
): Promise<Part> {
  if (path === undefined) return {};
  if (path === '') return { sealedCertificate: null };
  const certificate = await readFile(path, 'utf8');
  const key = await readSecret('Private key in PEM: ');
  try {
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) {
      throw new CliError(`The key does not belong to the certificate in ${path}`);
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${path} and the key must be PEM`, { cause: error });
  }
  const text = JSON.stringify({ certificate, key });
  return { sealedCertificate: secrets.seal(text, certificateContext(tenantId)) };
}

async function show(db: Db, name: string): Promise<CommandResult> {
  const tenant = await requireTenant(db, name);
  const { sealedCertificate, ...settings } = await getCallbackSettings(db, tenant.id);
  const certificate = sealedCertificate === null ? 'none' : 'set';
  const rows = [
    [
      'bodies',
      settings.shape === null ? 'as the contract has them' : JSON.stringify(settings.shape),
    ],
    ['further URLs', settings.defaultUrls.join(' ') || 'none'],
    ['waits', settings.retryWaitsSeconds?.join(', ') ?? 'the default'],
    ['certificates of receivers', settings.verifiesTls ? 'verified' : 'NOT verified'],
    ['own certificate', certificate],
  ] as const;
  return {
    text: formatTable(['callbacks', name], rows, ''),
    json: { tenant: name, ...settings, certificate },
  };
}

const isGiven = (options: OptionValues): boolean =>
  ['shape', 'urls', 'retry', 'verify-tls', 'certificate'].some(
    (name) => options[name] !== undefined,
  );

/** `callbacks`: how a tenant wants its callbacks. */
export const callbacks: Command = {
  name: 'callbacks',
  usage:
    '<tenant> [--shape <file>] [--urls <urls>] [--retry <waits>] [--verify-tls on|off] [--certificate <file>]',
  summary: 'show or set how the tenant’s callbacks are sent',
  details: [
    '--shape        a JSON file with the templates of the bodies, {"task": …, "job": …}: docs/callbacks.md',
    '--urls         URLs, separated by spaces, that get the callbacks of every job besides the job’s own',
    '--retry        seconds after the 1st, 2nd, … failed attempt: 5,300,1800',
    '--verify-tls   off takes any certificate of the receivers, for this tenant alone',
    '--certificate  a PEM file for receivers that ask for a certificate; its key is read from standard input',
    'An empty value ("") takes the default again.',
  ],
  options: {
    shape: { type: 'string' },
    urls: { type: 'string' },
    retry: { type: 'string' },
    'verify-tls': { type: 'string' },
    certificate: { type: 'string' },
  },
  words: [1, 1],
  run: async (context, [name = ''], options) => {
    if (isGiven(options)) {
      const { id } = await requireTenant(context.db, name);
      const changes: Part = {
        ...(await readShape(textOption(options, 'shape'))),
        ...parseUrls(textOption(options, 'urls')),
        ...parseRetry(textOption(options, 'retry')),
        ...parseVerify(textOption(options, 'verify-tls')),
        ...(await readCertificate(context, id, textOption(options, 'certificate'))),
      };
      await changeTenant(context.db, name, async (transaction, tenant) => {
        const before = await getCallbackSettings(transaction, tenant.id);
        await putCallbackSettings(transaction, tenant.id, { ...before, ...changes });
        const { sealedCertificate, ...shown } = changes;
        const detail = {
          ...shown,
          ...(sealedCertificate === undefined ? {} : { certificate: sealedCertificate !== null }),
        };
        return { action: 'callbacks.set', detail, result: undefined };
      });
    }
    return show(context.db, name);
  },
};
