import { createHash } from 'node:crypto';
import { DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { fileNameOf } from './paths.ts';
import { RemoteError, safeCode } from './remote-failure.ts';
import { calling, type S3Bucket } from './s3-calls.ts';

/** Most keys that one request deletes. */
const DELETE_AT_ONCE = 1000;

/** Deletes objects; one that is gone already is no error. */
export async function deleteFromS3(
  { client, settings }: S3Bucket,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let at = 0; at < keys.length; at += DELETE_AT_ONCE) {
    const Objects = keys.slice(at, at + DELETE_AT_ONCE).map((Key) => ({ Key }));
    const command = new DeleteObjectsCommand({
      Bucket: settings.bucket,
      Delete: { Objects, Quiet: true },
    });
    if (!settings.hasChecksums) sendMd5(command);
    const { Errors = [] } = await calling(`deleting ${keys[at] ?? ''}`, () =>
      client.send(command, signal === undefined ? {} : { abortSignal: signal }),
    );
    const [refused] = Errors.filter((one) => one.Code !== 'NoSuchKey');
    if (refused !== undefined) {
      const code = safeCode(refused.Code);
      throw new RemoteError(`deleting ${fileNameOf(refused.Key ?? '')}`, { code, status: 200 });
    }
  }
}

/** The SDK puts a CRC-32 on this call whatever its client is told, and takes no MD5 for it. */
function sendMd5(command: DeleteObjectsCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { headers, body } = args.request as {
        readonly headers: Record<string, string>;
        readonly body: string;
      };
      for (const name of Object.keys(headers)) {
        if (/^x-amz-(?:sdk-)?checksum-/.test(name)) delete headers[name];
      }
      headers['content-md5'] = createHash('md5').update(body).digest('base64');
      return next(args);
    },
    // after the SDK's own checksum, before the signature
    { name: 'md5OfDeletion', step: 'build', priority: 'low' },
  );
}
