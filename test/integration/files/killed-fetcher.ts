import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import type { S3Settings } from '../../../src/domain/storage-settings.ts';
import { MemoryPublication, TestTask } from './scene.ts';

// A worker that fetches the sources of job 7 until it is killed:
// node killed-fetcher.ts <work root> <settings as JSON> <secret>

const [workRoot = '', settings = '', secret] = process.argv.slice(2);
const s3 = JSON.parse(settings) as S3Settings;
const storage = createS3Storage(createS3Client(s3, secret), s3);

await createFetchSource({
  workRoot,
  storages: { open: async () => storage },
  publication: new MemoryPublication(),
  reserve: () => Promise.resolve(),
  retryDelaySeconds: async () => 0,
})(new TestTask(7), {
  jobId: 7,
  tenant: 'acme',
  storage: 'S3',
  folder: 'film',
  asset: 'film',
  retries: 0,
});
