import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findClash, type FolderClaims } from '../../../src/domain/folder-claims.ts';
import { arrayLiteral, clashesWith } from '../../../src/store/folder-claims.ts';
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

/** Far down, so that not everything clashes with one of them. */
const manyClaims = (random: Random): FolderClaims => ({
  ...someClaims(random),
  writesTo: Array.from(
    { length: 12 },
    (_, n) => `${folder(random)}/${n}/${n % 3 === 0 ? 'x' : 'a'}`,
  ),
});

test('Postgres and the engine agree on 6,000 pairs of claims whether they clash', async () => {
  const seed = Date.now() % 1_000_000;
  const random = createRandom(seed);
  const rows = Array.from({ length: 200 }, () => someClaims(random));
  const wrong: unknown[] = [];
  let clashing = 0;
  for (let at = 0; at < 30; at++) {
    // few folders and many are looked for in two ways
    const given = at % 2 === 0 ? someClaims(random) : manyClaims(random);
    const found = await sql<{ clash: boolean }>`
      SELECT ${clashesWith('job', given)} AS clash
      FROM (SELECT w::text[] AS writes_to, r::text[] AS reads_from, clears, at
            FROM unnest(${rows.map((one) => arrayLiteral(one.writesTo))}::text[],
                        ${rows.map((one) => arrayLiteral(one.readsFrom))}::text[],
                        ${rows.map((one) => one.clears)}::boolean[])
              WITH ORDINALITY AS given (w, r, clears, at)) AS job
      ORDER BY at`.execute(database.db);
    rows.forEach((row, n) => {
      const isClash = findClash(row, given) !== undefined;
      if (found.rows[n]?.clash !== isClash) wrong.push([row, given]);
      if (isClash) clashing += 1;
    });
  }
  expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  expect(clashing).toBeGreaterThan(300);
  expect(clashing).toBeLessThan(5700);
});
