import { z } from 'zod';
import { SEVERITIES } from '../domain/severity.ts';
import type { LogRow } from '../store/logs.ts';

const time = z.iso.datetime({ precision: 3 });

/** A row of a job's log (contract §5). */
export const LogJson = z
  .object({
    id: z.int(),
    job_id: z.int(),
    severity: z.int().describe('0 debug, 1 info, 2 warn, 3 error, 4 fatal'),
    severity_description: z.enum(SEVERITIES),
    progname: z.enum(['api', 'controller', 'scheduler', 'worker', 'callback']),
    message: z.string(),
    created_at: time,
    updated_at: time,
    task_id: z.int().nullable(),
    visible: z.boolean().describe('false: shown with show_all=1 only'),
  })
  .meta({
    id: 'LogRow',
    example: {
      id: 1007,
      job_id: 42,
      severity: 1,
      severity_description: 'INFO',
      progname: 'api',
      message: 'Job accepted: vodstream of movie-42',
      created_at: '2030-01-31T17:59:12.345Z',
      updated_at: '2030-01-31T17:59:12.345Z',
      task_id: null,
      visible: true,
    },
  });

/** {@link LogJson} as it goes out. */
export type LogJson = z.infer<typeof LogJson>;

/** A log row as it goes out. */
export const toLogJson = (row: LogRow): LogJson => ({
  id: row.id,
  job_id: row.jobId,
  severity: SEVERITIES.indexOf(row.severity),
  severity_description: row.severity,
  progname: row.progname,
  message: row.message,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  task_id: row.taskId,
  visible: row.isVisible,
});
