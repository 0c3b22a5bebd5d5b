import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type { TestProject } from 'vitest/node';
import { createProgress } from '../../dev/progress.ts';
import { ensureVersitygw } from '../../dev/setup/versitygw.ts';
import { probeUntilReady, startProcess } from '../../dev/stack/child-piece.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { readConfig } from '../../src/config/config.ts';
import type { S3Settings } from '../../src/domain/storage-settings.ts';
import { type Running, shareSetup } from './shared-setup.ts';

/** Real object stores on this machine. */
export interface ObjectStores {
  readonly s3: {
    readonly endpoint: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  readonly azure: { readonly connectionString: string };
}

declare module 'vitest' {
  export interface ProvidedContext {
    stores: ObjectStores;
  }
}

const ACCESS_KEY_ID = 'AKIATESTENGINE000001';
const SECRET_ACCESS_KEY = 's3CANARYsecretAccessKey0123456789abcdef00';

/** The account that every azurite has. */
const AZURITE_ACCOUNT = 'devstoreaccount1';
const AZURITE_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const STOP_GRACE_MS = 5_000;
const AZURITE = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');

/** One S3 server (versitygw) and one of Azure Blob Storage (azurite) for the whole run. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return shareSetup('stores', startObjectStores, (stores) => project.provide('stores', stores));
}

/** Settings of a bucket of the S3 server: nothing but what it needs, with `changes`. */
export const s3Settings = (
  { endpoint, accessKeyId }: ObjectStores['s3'],
  changes: Partial<S3Settings> & Pick<S3Settings, 'bucket'>,
): S3Settings => ({
  kind: 'S3',
  root: '',
  region: 'us-east-1',
  endpoint,
  isPathStyle: true,
  accessKeyId,
  acl: null,
  storageClass: null,
  encryption: null,
  kmsKeyId: null,
  hasChecksums: true,
  cacheControl: null,
  fixedCacheControl: null,
  ...changes,
});

/** Starts the stores, for programs that are no tests. */
export async function startObjectStores(): Promise<Running<ObjectStores>> {
  const program = await ensureVersitygw(readConfig(), createProgress(process.stdout));
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-stores-'));
  const [objects, attributes, blobs] = ['objects', 'attributes', 'blobs'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  for (const one of [objects, attributes, blobs]) await mkdir(one);
  const [s3Port, blobPort] = [await freePort(0, 'PORT'), await freePort(0, 'PORT')];
  const answers = (port: number) => (_: unknown, signal: AbortSignal) =>
    probeUntilReady(async () => {
      await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
    }, signal);
  const s3 = await startProcess(
    {
      file: program,
      // metadata beside the objects, not in extended attributes, which some file systems lack
      args: ['--port', `127.0.0.1:${s3Port}`, 'posix', '--sidecar', attributes, objects],
      variables: { ROOT_ACCESS_KEY: ACCESS_KEY_ID, ROOT_SECRET_KEY: SECRET_ACCESS_KEY },
      logFile: join(folder, 'versitygw.log'),
    },
    answers(s3Port),
    STOP_GRACE_MS,
  );
  const azure = await startProcess(
    {
      file: process.execPath,
      args: [
        AZURITE,
        '--silent',
        '--disableTelemetry',
        // the SDK speaks a newer version of the protocol than azurite knows
        '--skipApiVersionCheck',
        '--location',
        blobs,
        '--blobHost',
        '127.0.0.1',
        '--blobPort',
        String(blobPort),
      ],
      logFile: join(folder, 'azurite.log'),
    },
    answers(blobPort),
    STOP_GRACE_MS,
  );
  return {
    value: {
      s3: {
        endpoint: `http://127.0.0.1:${s3Port}`,
        accessKeyId: ACCESS_KEY_ID,
        secretAccessKey: SECRET_ACCESS_KEY,
      },
      azure: {
        connectionString:
          `DefaultEndpointsProtocol=http;AccountName=${AZURITE_ACCOUNT};AccountKey=${AZURITE_KEY};` +
          `BlobEndpoint=http://127.0.0.1:${blobPort}/${AZURITE_ACCOUNT};`,
      },
    },
    stop: async () => {
      await azure.stop();
      await s3.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
