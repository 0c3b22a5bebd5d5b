import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import pg from 'pg';
import { nodePiece } from '../dev/stack/pieces.ts';
import { freePort } from '../dev/stack/free-port.ts';
import { packagerProgram } from '../src/media/process/programs.ts';
import { startServices } from './services.ts';

// Wall time of a 10-minute 720p source: the engine, from the submission to the job's end, against a plain
// shell script on the same files: copy in, packager, thumbnail, copy out.

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, rounds: { type: 'string', default: '3' } },
});
const services = await startServices();
const { folder } = services;

async function makeSource(): Promise<string> {
  const part = join(folder, 'part.mp4');
  const source = join(folder, 'input', 'bench', 'movie', 'movie.mp4');
  await mkdir(join(folder, 'input', 'bench', 'movie'), { recursive: true });
  await execa('ffmpeg', [
    '-loglevel',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=1280x720:rate=25:duration=60',
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=440:sample_rate=48000:duration=60',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '50',
    '-keyint_min',
    '50',
    '-sc_threshold',
    '0',
    '-b:v',
    '2500k',
    '-c:a',
    'aac',
    '-b:a',
    '128k',
    '-t',
    '60',
    part,
  ]);
  await execa('ffmpeg', [
    '-loglevel',
    'error',
    '-stream_loop',
    String(Number(values.minutes) - 1),
    '-i',
    part,
    '-c',
    'copy',
    '-movflags',
    '+faststart',
    source,
  ]);
  return source;
}

async function runScript(source: string): Promise<number> {
  const work = join(folder, 'script-work');
  const out = join(folder, 'script-out');
  await rm(work, { recursive: true, force: true });
  await rm(out, { recursive: true, force: true });
  const script = `set -e
mkdir -p '${work}/out' '${out}'
cp '${source}' '${work}/in.mp4'
cd '${work}'
'${packagerProgram()}' in=in.mp4,stream=video,out=out/v.mp4,playlist_name=v.m3u8 in=in.mp4,stream=audio,out=out/a.mp4,playlist_name=a.m3u8 --segment_duration 4 --mpd_output out/m.mpd --hls_master_playlist_output out/m.m3u8 --quiet
ffmpeg -loglevel error -ss 0 -i in.mp4 -frames:v 1 -q:v 2 out/t.jpg
cp out/* '${out}/'
rm -r '${work}'`;
  const startedAt = performance.now();
  await execa('sh', ['-c', script]);
  return performance.now() - startedAt;
}

const port = await freePort(0, 'PORT');
const admin = new pg.Client({ connectionString: `${services.postgresUrl}/postgres` });
await admin.connect();
await admin.query('CREATE DATABASE bench');
await admin.end();
const variables = {
  EMBEDDED: '1',
  DATABASE_URL: `${services.postgresUrl}/bench`,
  TEMPORAL_ADDRESS: services.temporalAddress,
  DATA_DIR: folder,
  PORT: String(port),
  BOOTSTRAP_TENANTS: 'bench:bench-key-1',
  LOG_LEVEL: 'warn',
};
const api = await nodePiece({
  name: 'api',
  script: 'api/main.ts',
  variables,
  logFile: join(folder, 'api.log'),
}).start();
const worker = await nodePiece({
  name: 'worker',
  script: 'worker/main.ts',
  variables,
  logFile: join(folder, 'worker.log'),
}).start();
const headers = { client: 'bench', 'api-key': 'bench-key-1', 'content-type': 'application/json' };

async function runEngine(round: number): Promise<number> {
  const startedAt = performance.now();
  const body = {
    job: { workflow: 'vodstream' },
    parameters: { content_id: `m${round}`, source_folder: 'movie', output_folder: `out/${round}` },
  };
  const accepted = await fetch(`http://127.0.0.1:${port}/job`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const { id } = (await accepted.json()) as { id: number };
  for (;;) {
    const job = (await (
      await fetch(`http://127.0.0.1:${port}/jobs/${id}`, { headers })
    ).json()) as { ended_at: string | null; failed: boolean; message: string };
    if (job.failed) throw new Error(job.message);
    if (job.ended_at !== null) return performance.now() - startedAt;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

const source = await makeSource();
const [script, engine]: [number[], number[]] = [[], []];
await runEngine(0);
for (let round = 1; round <= Number(values.rounds); round++) {
  script.push(await runScript(source));
  engine.push(await runEngine(round));
}
console.log(`shell script  ${(median(script) / 1000).toFixed(2)} s`);
console.log(`engine        ${(median(engine) / 1000).toFixed(2)} s`);
console.log(
  `engine / script  ${(median(engine) / median(script)).toFixed(2)}   (aim at most 1.15)`,
);
await worker.stop();
await api.stop();
await services.stop();
process.exit(0);
