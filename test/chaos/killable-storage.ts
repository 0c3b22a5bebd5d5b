import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inject } from 'vitest';
import { runCli } from '../../cli/run.ts';
import { readConfig } from '../../src/config/config.ts';
import type { StorageKind } from '../../src/domain/storage-kind.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import type { TestEngine } from '../helpers/engine.ts';
import { FaultProxy, type ProxiedRequest } from '../helpers/fault-proxy.ts';
import { openTestStorage, type TestStorage } from '../helpers/storages.ts';

/** Slow enough that a kill hits the write it is meant for. */
const DELAY_MS = 100;

/** Where an engine publishes to, and how a test kills its worker in the middle of that. */
export interface KillableStorage extends Pick<TestStorage, 'driver' | 'allKeys' | 'openUploads'> {
  /** Kills the worker at the n-th write of what is published from now on; resolves when it is dead. */
  readonly killAt: (nth: number) => Promise<void>;
  /** The same at the n-th call that deletes; there is none for local disks, which delete too fast. */
  readonly killAtDelete?: (nth: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

async function kill(engine: TestEngine): Promise<void> {
  process.kill(engine.worker?.pid ?? 0, 'SIGKILL');
  await engine.worker?.ended;
}

/** Sets up a remote storage of the engine's tenant behind a proxy that counts writes. */
async function remoteStorage(
  engine: TestEngine,
  kind: Exclude<StorageKind, 'local'>,
  secretsKey: string,
): Promise<KillableStorage> {
  const { s3, azure } = inject('stores');
  const storage = await openTestStorage(kind);
  const endpoint =
    kind === 'S3' ? s3.endpoint : (/http:[^;]+?:\d+/.exec(azure.connectionString)?.[0] ?? '');
  const proxy = await new FaultProxy(endpoint).start();
  const name = storage.driver.volume.split('/').at(-1) ?? '';
  const [options, secret] =
    kind === 'S3'
      ? [
          [
            '--bucket',
            name,
            '--endpoint',
            proxy.url,
            '--path-style',
            '--access-key-id',
            s3.accessKeyId,
          ],
          s3.secretAccessKey,
        ]
      : [
          ['--container', name, '--credentials', 'connection-string'],
          azure.connectionString.replace(endpoint, proxy.url),
        ];
  const said: string[] = [];
  await runCli(
    ['storage', 'acme', kind, '--root', storage.driver.root, ...options],
    {
      out: () => undefined,
      err: (line) => said.push(line),
      readSecret: () => Promise.resolve(secret),
    },
    readConfig({ DATABASE_URL: engine.database.url, SECRETS_KEY: secretsKey }),
  );
  if (said.length > 0) throw new Error(said.join('\n'));
  const killAtRequest = async (
    nth: number,
    isMeant: (request: ProxiedRequest) => boolean,
  ): Promise<void> => {
    const hit = Promise.withResolvers<void>();
    let seen = 0;
    proxy.delayMs = DELAY_MS;
    proxy.fault = (request) => {
      if (isMeant(request) && ++seen === nth) hit.resolve(kill(engine));
      return undefined;
    };
    await hit.promise;
    proxy.fault = () => undefined;
    proxy.delayMs = 0;
  };
  return {
    ...storage,
    killAt: (nth) => killAtRequest(nth, ({ method }) => method === 'PUT'),
    killAtDelete: (nth) =>
      killAtRequest(nth, ({ method, url }) => method === 'DELETE' || /[?&]delete\b/.test(url)),
    close: async () => {
      await proxy.close();
      await storage.remove();
    },
  };
}

/** The engine's own output folder, looked at as fast as this process can. */
function localStorage(engine: TestEngine): KillableStorage {
  const root = join(engine.folder, 'output', 'acme');
  const allKeys = (): readonly string[] => {
    try {
      return readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((one) => one.isFile())
        .map((one) => join(one.parentPath, one.name).slice(root.length + 1))
        .sort();
    } catch {
      // a folder that went just then
      return [];
    }
  };
  return {
    driver: createLocalStorage(root),
    allKeys: () => Promise.resolve(allKeys()),
    openUploads: () => Promise.resolve(0),
    killAt: async (nth) => {
      const before = new Set(allKeys());
      const seen = new Set<string>();
      while (seen.size < nth) {
        for (const key of allKeys()) if (!before.has(key)) seen.add(key);
        await nextTurn();
      }
      await kill(engine);
    },
    close: () => Promise.resolve(),
  };
}

/** A storage of a kind, set up for the engine's tenant. The engine's api has started, its worker has not. */
export const openKillableStorage = (
  engine: TestEngine,
  kind: StorageKind,
  secretsKey: string,
): Promise<KillableStorage> =>
  kind === 'local'
    ? Promise.resolve(localStorage(engine))
    : remoteStorage(engine, kind, secretsKey);
