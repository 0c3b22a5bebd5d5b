import { afterAll, beforeAll, expect, test } from 'vitest';
import { listPublishedFiles, putPublication } from '../../../src/store/publications.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addTenant } from '../../helpers/tenant.ts';

let database: TestDatabase;
let tenantId: number;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await addTenant(database.db);
});

afterAll(() => database.drop());

const put = (location: string, asset: string, jobId: number, files: readonly string[]) =>
  putPublication(database.db, { tenantId, location, asset }, { jobId, files, result: null });

test('the published files of a folder are those of all its assets, and of no other folder', async () => {
  await put('local:/out/b', 'film', 4, ['b/film.mp4']);
  await put('local:/out/b', 'clip', 5, ['b/clip.mp4']);
  await put('local:/out/bb', 'film', 6, ['bb/film.mp4']);
  const files = await listPublishedFiles(database.db, 'acme', 'local:/out/b');
  expect([...files].sort()).toEqual(['b/clip.mp4', 'b/film.mp4']);
  expect(await listPublishedFiles(database.db, 'other', 'local:/out/b')).toEqual([]);
});
