import { Connection } from '@temporalio/client';
import { probeUntilReady, startProcess } from './child-piece.ts';
import type { Piece } from './piece.ts';

/** Settings of the embedded Temporal server beside its defaults. */
const DYNAMIC_CONFIG: Readonly<Record<string, string>> = {
  // task queues obey priority (1 to 10, as jobs have it) and are fair to tenants; one partition keeps
  // the order exact
  'matching.useNewMatcher': 'true',
  'matching.enableFairness': 'true',
  'matching.priorityLevels': '10',
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
  // ListWorkers tells how many slots each worker uses
  'frontend.WorkerHeartbeatsEnabled': 'true',
  'frontend.ListWorkersEnabled': 'true',
  // search attributes and namespaces made at start-up are usable at once
  'system.forceSearchAttributesCacheRefreshOnRead': 'true',
  // one machine, one user: its cores are the limit, not a quota
  'frontend.rps': '20000',
  'frontend.namespaceRPS': '20000',
  'frontend.namespaceRPS.visibility': '1000',
  'history.rps': '20000',
  'matching.rps': '20000',
};

const STOP_GRACE_MS = 5_000;
const PROBE_MS = 2_000;

/** The embedded Temporal server with its Web UI, up when its namespace can be used. */
export function temporalPiece(options: {
  readonly program: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** State lasts in this file; without it, until the end of the process. */
  readonly file?: string;
  readonly logFile: string;
}): Piece {
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(options.port),
    '--ui-port',
    String(options.uiPort),
    '--namespace',
    options.namespace,
    '--log-level',
    'warn',
    ...(options.file === undefined ? [] : ['--db-filename', options.file]),
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([name, value]) => [
      '--dynamic-config-value',
      `${name}=${value}`,
    ]),
  ];
  const probe = () => describeNamespace(`127.0.0.1:${options.port}`, options.namespace);
  return {
    name: 'Temporal',
    start: () =>
      startProcess(
        { file: options.program, args, logFile: options.logFile },
        (_, signal) => probeUntilReady(probe, signal),
        STOP_GRACE_MS,
      ),
  };
}

async function describeNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: PROBE_MS });
  try {
    await connection.withDeadline(Date.now() + PROBE_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } finally {
    await connection.close();
  }
}
