import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findClash, type FolderClaims } from '../../../src/domain/folder-claims.ts';
import { arrayLiteral } from '../../../src/store/folder-claims.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { between, createRandom, type Random } from '../../helpers/faults.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

const PARTS = ['a', 'b', 'a1', 'é', '%', '_', '"\\,{}', 'NULL', ' '];

const folder = (random: Random): string =>
  [
    random() < 0.5 ? 'local:' : 'S3:https://s3.example/bucket',
    ...Array.from({ length: between(random, 0, 3) }, () => PARTS[between(random, 0, 8)]),
  ].join('/');

const folders = (random: Random): readonly string[] =>
  Array.from({ length: between(random, 0, 2) }, () => folder(random));

const someClaims = (random: Random): FolderClaims => ({
  writesTo: folders(random),
  readsFrom: folders(random),
  clears: random() < 0.4,
});

test('Postgres and the engine agree on 6,000 pairs of claims whether they clash', async () => {
  const seed = Date.now() % 1_000_000;
  const random = createRandom(seed);
  const pairs = Array.from(
    { length: 6000 },
    () => [someClaims(random), someClaims(random)] as const,
  );
  const column = (side: 0 | 1, of: (claims: FolderClaims) => string | boolean) =>
    pairs.map((pair) => of(pair[side]));
  const { rows } = await sql<{ clash: boolean; reverse: boolean }>`
    SELECT claims_clash(wa::text[], ra::text[], ca, wb::text[], rb::text[], cb) AS clash,
           claims_clash(wb::text[], rb::text[], cb, wa::text[], ra::text[], ca) AS reverse
    FROM unnest(
      ${column(0, (one) => arrayLiteral(one.writesTo))}::text[], ${column(0, (one) => arrayLiteral(one.readsFrom))}::text[],
      ${column(0, (one) => one.clears)}::boolean[],
      ${column(1, (one) => arrayLiteral(one.writesTo))}::text[], ${column(1, (one) => arrayLiteral(one.readsFrom))}::text[],
      ${column(1, (one) => one.clears)}::boolean[]
    ) WITH ORDINALITY AS pair (wa, ra, ca, wb, rb, cb, at) ORDER BY at`.execute(database.db);
  const wrong = pairs.filter(([holder, other], at) => {
    const isClash = findClash(holder, other) !== undefined;
    return rows[at]?.clash !== isClash || rows[at].reverse !== isClash;
  });
  expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  const clashing = rows.filter((row) => row.clash).length;
  expect(clashing).toBeGreaterThan(300);
  expect(clashing).toBeLessThan(5700);
});
