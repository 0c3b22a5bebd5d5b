import { expect, test } from 'vitest';
import { rememberLogins } from '../../../api/health/logins.ts';
import type { Tenant } from '../../../src/store/tenants.ts';

const ACME = { id: 1, name: 'acme' } as unknown as Tenant;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Logins over a store that the test breaks, on a clock that the test sets. */
function createScene() {
  const scene = { keys: ['one', 'two'], isBroken: false, isHung: false, nowMs: 0 };
  const logins = rememberLogins(
    async (name, apiKey) => {
      if (scene.isHung) return new Promise(() => undefined);
      if (scene.isBroken) throw new Error('connection refused');
      return name === 'acme' && scene.keys.includes(apiKey) ? ACME : undefined;
    },
    () => scene.nowMs,
  );
  return Object.assign(scene, logins);
}

test('while the store answers, it alone decides', async () => {
  const scene = createScene();
  expect(await scene.authenticateInOutage('acme', 'one')).toBe(ACME);
  expect(await scene.authenticateInOutage('acme', 'wrong')).toBeUndefined();
});

test.each([
  ['is broken', 'isBroken'],
  ['hangs', 'isHung'],
] as const)(
  'while the store %s, each key that was good before is taken for /health, and no other',
  async (_name, fault) => {
    const scene = createScene();
    await scene.authenticate('acme', 'one');
    await scene.authenticate('acme', 'two');
    await scene.authenticate('acme', 'wrong');
    scene[fault] = true;
    expect(await scene.authenticateInOutage('acme', 'one')).toBe(ACME);
    expect(await scene.authenticateInOutage('acme', 'two')).toBe(ACME);
    for (const [name, key] of [
      ['acme', 'wrong'],
      ['acme', 'new'],
      ['other', 'one'],
    ] as const) {
      await expect(scene.authenticateInOutage(name, key)).rejects.toMatchObject({ status: 503 });
    }
  },
);

test('other routes get no remembered login', async () => {
  const scene = createScene();
  await scene.authenticate('acme', 'one');
  scene.isBroken = true;
  await expect(scene.authenticate('acme', 'one')).rejects.toThrow('connection refused');
});

test('a key that was refused since is forgotten, and each after a day', async () => {
  const scene = createScene();
  await scene.authenticate('acme', 'one');
  await scene.authenticate('acme', 'two');
  scene.keys = ['two'];
  await scene.authenticate('acme', 'one');
  scene.isBroken = true;
  await expect(scene.authenticateInOutage('acme', 'one')).rejects.toMatchObject({ status: 503 });
  scene.nowMs = DAY_MS - 1;
  expect(await scene.authenticateInOutage('acme', 'two')).toBe(ACME);
  scene.nowMs = DAY_MS + 1;
  await expect(scene.authenticateInOutage('acme', 'two')).rejects.toMatchObject({ status: 503 });
});
