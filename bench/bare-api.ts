import { Hono } from 'hono';
import pg from 'pg';
import { listenHttp } from '../api/http-server.ts';
import { readConfig } from '../src/config/config.ts';

// What `bench:submit` measures the api against: the same framework, server and driver, one route that
// takes a JSON body and inserts one row, and nothing else.

const { databaseUrl, databasePoolSize, port, host } = readConfig();
const pool = new pg.Pool({ connectionString: databaseUrl, max: databasePoolSize });
await pool.query(
  'CREATE TABLE IF NOT EXISTS bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL)',
);
const app = new Hono();
app.post('/job', async (c) => {
  const body: unknown = await c.req.json();
  const { rows } = await pool.query<{ id: string }>(
    'INSERT INTO bare (body) VALUES ($1) RETURNING id',
    [JSON.stringify(body)],
  );
  return c.json({ id: Number(rows[0]?.id), result: 'accepted' });
});
await listenHttp({ fetch: app.fetch, host, port });
process.once('SIGTERM', () => process.exit(0));
process.send?.({ type: 'ready' });
