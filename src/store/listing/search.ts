import { sql } from 'kysely';
import type { Db } from '../db.ts';
import { likePattern, meets, searchedText } from './conditions.ts';
import type { JobFilter } from './filter.ts';

/** Jobs of one span of the index, see migration 0006. */
const SPAN_BITS = 15;

/**
 * Whether the trigram index can look for a text: where it holds three letters or digits in a row, or a
 * word begins or ends inside it. What a letter is, is the database's to say.
 */
export async function isIndexed(db: Db, search: string): Promise<boolean> {
  const { rows } = await sql<{ is_indexed: boolean }>`
    SELECT ${searchedText(search)}::text ~ '[[:alnum:]]{3}|[^[:alnum:]][[:alnum:]]|[[:alnum:]]{2}[^[:alnum:]]'
      AS is_indexed`.execute(db);
  return rows[0]?.is_indexed === true;
}

/** Compares an id with those of a tenant's jobs that hold a text. */
export const inSearched = (tenantId: number, search: string) => sql`
  IN (SELECT job_id FROM job_search
      WHERE tenant_id = ${tenantId} AND search_text LIKE ${likePattern(search)})`;

/** Ids of a tenant's jobs that hold a text, in no order, `most` at most. */
export async function findSearched(
  db: Db,
  tenantId: number,
  search: string,
  most: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT job_id AS id FROM job_search
    WHERE tenant_id = ${tenantId} AND search_text LIKE ${likePattern(search)} LIMIT ${most}`.execute(
    db,
  );
  return rows.map((row) => row.id);
}

/** The tenant's spans from its newest job to its oldest one, or the other way. */
async function listSpans(db: Db, filter: JobFilter): Promise<readonly number[]> {
  const { rows } = await sql<{ first: number | null; last: number | null }>`
    SELECT (SELECT id FROM jobs WHERE tenant_id = ${filter.tenantId} ORDER BY id LIMIT 1) AS first,
           (SELECT id FROM jobs WHERE tenant_id = ${filter.tenantId} ORDER BY id DESC LIMIT 1) AS last`.execute(
    db,
  );
  const span = (id: number): number => Math.floor(id / 2 ** SPAN_BITS);
  const least = span(Math.max(rows[0]?.first ?? 1, (filter.afterId ?? 0) + 1));
  const most = span(Math.min(rows[0]?.last ?? 0, (filter.beforeId ?? Number.MAX_SAFE_INTEGER) - 1));
  const spans = Array.from({ length: Math.max(0, most - least + 1) }, (_, at) => most - at);
  return filter.isAscending === true ? spans.toReversed() : spans;
}

const FIRST_SPANS = 2;

/**
 * Ids of the first `most` jobs by id that meet a filter with a text, looked for span by span: the price
 * is that of the spans up to the last one found.
 */
export async function findSearchedById(
  db: Db,
  filter: JobFilter & { readonly search: string },
  most: number,
): Promise<readonly number[]> {
  const spans = await listSpans(db, filter);
  const toward = sql.raw(filter.isAscending === true ? 'ASC' : 'DESC');
  const ids: number[] = [];
  for (let at = 0, count = FIRST_SPANS; at < spans.length && ids.length < most; count *= 2) {
    const group = spans.slice(at, at + count);
    at += count;
    // a nested loop over the spans in their order, which ends with the last row wanted
    const { rows } = await sql<{ id: number }>`
      SELECT found.id FROM unnest(${group}::bigint[]) AS span (number) CROSS JOIN LATERAL (
        SELECT id FROM (
          SELECT id FROM (
            SELECT job_id AS id FROM job_search
            WHERE ARRAY[(tenant_id::bigint << 32) | (job_id >> ${sql.lit(SPAN_BITS)})]
                  @> ARRAY[(${filter.tenantId}::bigint << 32) | span.number]
              AND search_text LIKE ${likePattern(filter.search)}
            -- else Postgres would read the primary key backwards, whatever the text
            OFFSET 0
          ) AS holding ORDER BY id ${toward} OFFSET 0
        ) AS sorted
        WHERE ${meets(sql`sorted.id`, filter)} LIMIT ${most}
      ) AS found LIMIT ${most - ids.length}`.execute(db);
    ids.push(...rows.map((row) => row.id));
  }
  return ids;
}
