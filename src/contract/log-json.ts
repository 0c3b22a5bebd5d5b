import { SEVERITIES } from '../domain/severity.ts';
import type { LogRow } from '../store/logs.ts';

/** A log row as JSON (contract §5). */
export const toLogJson = (row: LogRow) => ({
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
