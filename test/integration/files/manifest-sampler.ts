import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { StorageDriver, StoredFile } from '../../../src/storage/driver.ts';
import { joinKey } from '../../../src/storage/paths.ts';

/** Names in a playlist (RFC 8216): lines that are no tags, and `URI` attributes. */
const hlsNames = (text: string): readonly string[] => [
  ...text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  ...[...text.matchAll(/URI="([^"]+)"/g)].map((match) => match[1] ?? ''),
];

const dashNames = (text: string): readonly string[] =>
  [...text.matchAll(/<BaseURL>([^<]+)<\/BaseURL>/g)].map((match) => match[1] ?? '');

/** The highest byte that a media playlist or manifest asks for. */
const bytesAsked = (text: string): number =>
  Math.max(
    0,
    ...[...text.matchAll(/BYTERANGE[:=]"?(\d+)@(\d+)/g)].map(
      (one) => Number(one[1]) + Number(one[2]),
    ),
  );

/** A folder that players look into. */
export interface PlayedFolder {
  readonly storage: StorageDriver;
  readonly folder: string;
}

const readOrNothing = async (
  { storage, folder }: PlayedFolder,
  name: string,
): Promise<string | undefined> => {
  try {
    return await text(await storage.read(joinKey(folder, name)));
  } catch {
    return undefined;
  }
};

const listOrNothing = async ({
  storage,
  folder,
}: PlayedFolder): Promise<ReadonlyMap<string, StoredFile>> => {
  const files = await storage.list(folder).catch(() => []);
  return new Map(files.map((file) => [file.key, file]));
};

/** What a manifest on air names and a player would not get whole; empty where all is well. */
export async function faultsOf(
  at: PlayedFolder,
  manifest: string,
  files?: ReadonlyMap<string, StoredFile>,
): Promise<readonly string[]> {
  const content = await readOrNothing(at, manifest);
  if (content === undefined) return [];
  if (content === '') return [`${manifest} is empty`];
  const faults: string[] = [];
  // of now, after the manifest was read; one by one only what it does not show
  const listed = files ?? (await listOrNothing(at));
  for (const uri of manifest.endsWith('.mpd') ? dashNames(content) : hlsNames(content)) {
    const name = decodeURIComponent(uri);
    const key = joinKey(at.folder, name);
    const found = listed.get(key) ?? (await at.storage.stat(key).catch(() => undefined));
    if (found === undefined) faults.push(`${manifest} names ${name}, which is missing`);
    else if (name.endsWith('.m3u8')) faults.push(...(await faultsOf(at, name, listed)));
    else if (found.sizeBytes < bytesAsked(content)) {
      faults.push(`${name} is shorter than ${manifest} says`);
    }
  }
  return faults;
}

/** Looks at the manifests of a folder again and again, as players do. */
export class ManifestSampler {
  readonly violations: string[] = [];
  samples = 0;
  private isOver = false;
  private readonly running: Promise<void>;
  private readonly at: PlayedFolder;
  private readonly manifests: readonly string[];

  constructor(at: PlayedFolder, manifests: readonly string[], everyMs: number) {
    this.at = at;
    this.manifests = manifests;
    this.running = this.run(everyMs);
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async run(everyMs: number): Promise<void> {
    while (!this.isOver) {
      for (const manifest of this.manifests) await this.sample(manifest);
      this.samples += 1;
      await delay(everyMs);
    }
  }

  /** A manifest that was replaced while its files were looked up says nothing: it is read again. */
  private async sample(manifest: string): Promise<void> {
    const before = await readOrNothing(this.at, manifest);
    const faults = await faultsOf(this.at, manifest);
    if (faults.length > 0 && (await readOrNothing(this.at, manifest)) === before)
      this.violations.push(...faults);
  }
}
