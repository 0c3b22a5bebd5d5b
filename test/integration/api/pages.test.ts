import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpServer, listenHttp } from '../../../api/http-server.ts';
import { insertLog } from '../../../src/store/logs.ts';
import { ACME, createTestApi, submission, type TestApi } from '../../helpers/api.ts';
import { launchBrowser } from '../../helpers/browser.ts';

const ATTACK = '<img src="/jobs" onerror="document.title=1"><script>document.title=2</script>';

let api: TestApi;
let server: HttpServer;
let browser: Browser;
let id = 0;

beforeAll(async () => {
  api = await createTestApi();
  id = (await api.send('POST', '/job', submission({ content_id: 'a<i>b' }))).json.id;
  const add = (message: string, isVisible: boolean): Promise<void> =>
    insertLog(api.database.db, {
      jobId: id,
      severity: 'ERROR',
      progname: 'worker',
      message,
      isVisible,
    });
  await add(ATTACK, true);
  await add('a row for the curious', false);
  server = await listenHttp({ fetch: api.app.fetch, host: '127.0.0.1', port: 0 });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
  await server.close();
  await api.stop();
});

/** A page of the API as an operator's browser shows it, and what the browser complained of. */
async function open(path: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ extraHTTPHeaders: ACME });
  const complaints: string[] = [];
  // a browser asks for an icon by itself
  page.on('console', (message) => {
    if (!message.location().url.endsWith('/favicon.ico')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${server.url}${path}`);
  return { page, complaints };
}

const isStyled = (page: Page): Promise<boolean> =>
  page.evaluate('getComputedStyle(document.querySelector("th")).position === "sticky"');

test("a job's log is a styled page in which nothing of what was logged runs", async () => {
  const { page, complaints } = await open(`/logs/${id}`);
  expect(await page.title()).toBe(`Log of job ${id}`);
  expect(await page.locator('h1').innerText()).toBe(`Job ${id} a<i>b`);
  expect(await page.locator('tbody tr.error td.text').allInnerTexts()).toEqual([ATTACK]);
  expect(await page.locator('img, script, i').count()).toBe(0);
  expect(await isStyled(page)).toBe(true);
  expect(complaints).toEqual([]);
  await page.close();
});

test('its link shows the rows that are out of sight, and the way back', async () => {
  const { page } = await open(`/logs/${id}`);
  const rows = await page.locator('tbody tr').count();
  await page.getByText('show all rows').click();
  await page.getByText('a row for the curious').waitFor();
  expect(await page.locator('tbody tr').count()).toBe(rows + 1);
  await page.getByText('without details').click();
  await page.getByText('show all rows').waitFor();
  expect(await page.locator('tbody tr').count()).toBe(rows);
  await page.close();
});

test("the queue is a styled page that leads to its jobs' logs", async () => {
  const { page, complaints } = await open('/dashboard');
  expect(await page.locator('h2').allInnerTexts()).toEqual([
    'Started 1',
    'Queued none',
    'Scheduled none',
  ]);
  expect(await isStyled(page)).toBe(true);
  expect(complaints).toEqual([]);
  await page.getByRole('link', { name: String(id) }).click();
  await page.getByText('show all rows').waitFor();
  await page.close();
});
