import { createHash } from 'node:crypto';
import { maskUrl } from '../../src/domain/mask.ts';
import {
  type CallbackSettings,
  getCallbackSettings,
  putCallbackSettings,
} from '../../src/store/callback-settings.ts';
import { listEffectiveSettings } from '../../src/store/effective-settings.ts';
import {
  type Command,
  type CommandContext,
  type CommandResult,
  type OptionValues,
  textOption,
} from '../command.ts';
import { formatTable } from '../table.ts';
import { changeTenant, requireTenant } from '../tenant.ts';
import { judgeUrls, parseSwitch, readShape, splitUrls } from './callback-options.ts';
import { describeCertificate, readCertificate, sealCertificate } from './client-certificate.ts';

async function show({ db, secrets }: CommandContext, name: string): Promise<CommandResult> {
  const { id } = await requireTenant(db, name);
  const { shape, defaultUrls, verifiesTls, sealedCertificate } = await getCallbackSettings(db, id);
  const certificate = describeCertificate(secrets, id, sealedCertificate);
  const settings = await listEffectiveSettings(db, { tenantId: id, isCapped: false });
  const schedule = settings.find((one) => one.name === 'callback_schedule')?.text ?? '';
  const rows = [
    ['bodies', shape === null ? 'as documented' : JSON.stringify(shape)],
    ['further URLs', defaultUrls.join(' ') || 'none'],
    ['waits', `${schedule} (settings ${name} callback_schedule)`],
    ['certificates of receivers', verifiesTls ? 'verified' : 'NOT verified'],
    ['own certificate', certificate ?? 'none'],
  ] as const;
  return {
    text: formatTable(['callbacks', name], rows, ''),
    json: {
      tenant: name,
      shape,
      default_urls: defaultUrls,
      callback_schedule: schedule,
      verifies_tls: verifiesTls,
      certificate,
    },
  };
}

/** Settings as the audit keeps them. Templates and URLs may hold a receiver's tokens. */
const toAudit = (
  settings: CallbackSettings,
): Readonly<Record<keyof CallbackSettings, unknown>> => ({
  shape:
    settings.shape === null
      ? null
      : `sha256 ${createHash('sha256').update(JSON.stringify(settings.shape)).digest('hex')}`,
  defaultUrls: settings.defaultUrls.map(maskUrl),
  verifiesTls: settings.verifiesTls,
  sealedCertificate: settings.sealedCertificate === null ? 'none' : 'set',
});

const NAMES = ['shape', 'urls', 'verify-tls', 'certificate'] as const;

async function change(context: CommandContext, name: string, options: OptionValues): Promise<void> {
  const { db, secrets, readSecret } = context;
  const [shapePath, urls, verify, certificatePath] = NAMES.map((one) => textOption(options, one));
  const verifiesTls = verify === undefined ? undefined : parseSwitch(verify, 'verify-tls');
  const shape = shapePath === undefined ? undefined : await readShape(shapePath);
  const certificate =
    certificatePath === undefined || certificatePath === ''
      ? undefined
      : await readCertificate(certificatePath, readSecret);
  await changeTenant(db, name, async (transaction, { id, allowedNetworks }) => {
    const before = await getCallbackSettings(transaction, id);
    const changes: Partial<CallbackSettings> = {
      ...(shape === undefined ? {} : { shape }),
      ...(urls === undefined ? {} : { defaultUrls: judgeUrls(splitUrls(urls), allowedNetworks) }),
      ...(verifiesTls === undefined ? {} : { verifiesTls }),
      ...(certificatePath === '' ? { sealedCertificate: null } : {}),
      ...(certificate === undefined
        ? {}
        : { sealedCertificate: sealCertificate(secrets, id, certificate) }),
    };
    const after = { ...before, ...changes };
    await putCallbackSettings(transaction, id, after);
    const [from, to] = [toAudit(before), toAudit(after)];
    const changed = Object.keys(changes) as (keyof CallbackSettings)[];
    const detail = Object.fromEntries(
      changed.map((key) => [key, { from: from[key], to: to[key] }] as const),
    );
    return { action: 'callbacks.update', detail, result: undefined };
  });
}

/** `callbacks`: how a tenant wants its callbacks. */
export const callbacks: Command = {
  name: 'callbacks',
  usage: '<tenant> [--shape <file>] [--urls <urls>] [--verify-tls on|off] [--certificate <file>]',
  summary: 'show or set how the tenant’s callbacks are sent',
  details: [
    '--shape        a JSON file with the templates of the bodies, {"task": …, "job": …}: docs/callbacks.md',
    '--urls         URLs, separated by spaces, that get the callbacks of every job besides the job’s own',
    '--verify-tls   off takes any certificate of the receivers, for this tenant alone',
    '--certificate  a PEM file for receivers that ask for a certificate; its key is read from standard input',
    'An empty value ("") takes the default again. The schedule of attempts is a setting: settings <tenant>',
    'callback_schedule 5,300,1800. Headers: header. Signatures: signing.',
  ],
  options: {
    shape: { type: 'string' },
    urls: { type: 'string' },
    'verify-tls': { type: 'string' },
    certificate: { type: 'string' },
  },
  words: [1, 1],
  run: async (context, [name = ''], options) => {
    if (NAMES.some((one) => options[one] !== undefined)) await change(context, name, options);
    return show(context, name);
  },
};
