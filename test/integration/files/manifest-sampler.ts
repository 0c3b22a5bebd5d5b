import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

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

const readOrNothing = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined);

/** What a manifest on air names and a player would not get whole; empty where all is well. */
export async function faultsOf(folder: string, manifest: string): Promise<readonly string[]> {
  const text = await readOrNothing(join(folder, manifest));
  if (text === undefined) return [];
  if (text === '') return [`${manifest} is empty`];
  const faults: string[] = [];
  for (const uri of manifest.endsWith('.mpd') ? dashNames(text) : hlsNames(text)) {
    const name = decodeURIComponent(uri);
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) faults.push(`${manifest} names ${name}, which is missing`);
    else if (name.endsWith('.m3u8')) faults.push(...(await faultsOf(folder, name)));
    else if (found.size < bytesAsked(text)) faults.push(`${name} is shorter than ${manifest} says`);
  }
  return faults;
}

/** Looks at the manifests of a folder again and again, as players do. */
export class ManifestSampler {
  readonly violations: string[] = [];
  samples = 0;
  private isOver = false;
  private readonly running: Promise<void>;
  private readonly folder: string;
  private readonly manifests: readonly string[];

  constructor(folder: string, manifests: readonly string[], everyMs: number) {
    this.folder = folder;
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
    const path = join(this.folder, manifest);
    const before = await readOrNothing(path);
    const faults = await faultsOf(this.folder, manifest);
    if (faults.length > 0 && (await readOrNothing(path)) === before)
      this.violations.push(...faults);
  }
}
