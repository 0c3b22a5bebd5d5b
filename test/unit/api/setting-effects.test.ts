import { expect, test } from 'vitest';
import { applySettingChange } from '../../../api/setting-effects.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { createDb } from '../../../src/store/db.ts';

/** A database that is never reached: what belongs to one tenant asks for none. */
const db = createDb({
  url: 'postgres://engine@127.0.0.1:1/none',
  poolSize: 1,
  applicationName: 'test',
  onError: () => undefined,
});
const log = createLogger({ name: 'test', level: 'silent', format: 'json' });

async function effectsOf(name: string, sync: () => Promise<unknown> = () => Promise.resolve()) {
  const effects: string[] = [];
  await applySettingChange(
    {
      db,
      log,
      admitter: {
        request: (tenantId) => void effects.push(`admit ${tenantId}`),
        drain: () => Promise.resolve(),
      },
      syncScheduleInterval: () => {
        effects.push('sync');
        return sync();
      },
    },
    7,
    name,
  );
  return effects;
}

test.each(['max_jobs', 'priority_slots', 'priority_threshold'])(
  'a changed %s admits the tenant’s jobs',
  async (name) => {
    expect(await effectsOf(name)).toEqual(['admit 7']);
  },
);

test.each(['retry_limit', 'retry_delay', 'house_style'])(
  'a changed %s moves nothing',
  async (name) => {
    expect(await effectsOf(name)).toEqual([]);
  },
);

test('a changed schedule_interval reaches the schedule', async () => {
  expect(await effectsOf('schedule_interval')).toEqual(['sync']);
});

test.each([
  ['refuses', () => Promise.reject(new Error('down'))],
  ['says nothing', () => new Promise(() => undefined)],
])('a Temporal that %s fails no change and holds none up', async (_, sync) => {
  expect(await effectsOf('schedule_interval', sync)).toEqual(['sync']);
});
