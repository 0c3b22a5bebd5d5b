import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureSecretsKey } from '../../../dev/stack/secrets-key.ts';

test('the stack’s key is made once, has 32 bytes, and is its owner’s alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-key-'));
  try {
    const [first, second] = await Promise.all([ensureSecretsKey(folder), ensureSecretsKey(folder)]);
    expect(Buffer.from(first, 'base64')).toHaveLength(32);
    expect([second, await ensureSecretsKey(folder)]).toEqual([first, first]);
    expect((await stat(join(folder, 'secrets.key'))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
