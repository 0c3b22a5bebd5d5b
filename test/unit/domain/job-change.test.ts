import { expect, test } from 'vitest';
import {
  applyChange,
  type ChangeableJob,
  ImpossibleChangeError,
  type JobChange,
} from '../../../src/domain/job-change.ts';

const NOW = new Date('2030-01-31T12:00:00Z');
const LATER = new Date('2030-01-31T13:00:00Z');
const EARLIER = new Date('2030-01-31T11:00:00Z');

const WAITING: ChangeableJob = {
  state: 'queued',
  hasEnded: false,
  hasRun: false,
  isLeaving: false,
  runAt: null,
  priority: 5,
  semaphoreUrl: null,
  isPersistent: false,
};
const SCHEDULED: ChangeableJob = { ...WAITING, state: 'scheduled', runAt: LATER };
const STARTED: ChangeableJob = { ...WAITING, state: 'started', hasRun: true };
const LEAVING: ChangeableJob = { ...STARTED, state: 'paused', isLeaving: true };
const HALTED: ChangeableJob = { ...STARTED, state: 'paused' };
const COMPLETED: ChangeableJob = { ...STARTED, state: 'completed', hasEnded: true };

const apply = (job: ChangeableJob, change: JobChange) => applyChange(job, change, NOW);

test.each<[string, ChangeableJob, JobChange, Partial<ReturnType<typeof apply>>]>([
  ['a queued job is paused', WAITING, { state: 'paused' }, { state: 'paused', isLeaving: false }],
  ['a scheduled job is paused', SCHEDULED, { state: 'paused' }, { state: 'paused', runAt: LATER }],
  [
    'a running job is paused and keeps its slot until it halts',
    STARTED,
    { state: 'paused' },
    { state: 'paused', isLeaving: true, tell: undefined },
  ],
  ['pausing twice changes nothing', LEAVING, { state: 'paused' }, { ...LEAVING }],
  [
    'a paused job that never ran is put back into the queue',
    { ...WAITING, state: 'paused' },
    { state: 'queued' },
    { state: 'queued' },
  ],
  [
    'a paused job whose time lies ahead is put back to wait for it',
    { ...SCHEDULED, state: 'paused' },
    { state: 'queued' },
    { state: 'scheduled' },
  ],
  [
    'its time is taken away and it is put back in one change',
    { ...SCHEDULED, state: 'paused' },
    { state: 'queued', runAt: null },
    { state: 'queued', runAt: null },
  ],
  [
    'a job that has not halted yet goes on in its slot when put back, and is told',
    LEAVING,
    { state: 'queued' },
    { state: 'started', isLeaving: false, tell: 'resume' },
  ],
  [
    'a halted job queues for a slot again',
    HALTED,
    { state: 'queued' },
    { state: 'queued', tell: undefined },
  ],
  [
    'a running job is given up and keeps its slot until it has stopped',
    STARTED,
    { state: 'broken' },
    { state: 'broken', isLeaving: true, tell: 'cancel' },
  ],
  [
    'a halted job is given up without a slot',
    HALTED,
    { state: 'broken' },
    { state: 'broken', isLeaving: false, tell: 'cancel' },
  ],
  [
    'a waiting job is given up and nobody is told',
    WAITING,
    { state: 'broken' },
    { state: 'broken', tell: undefined },
  ],
  ['a job is pushed back', WAITING, { runAt: LATER }, { state: 'scheduled', runAt: LATER }],
  ['a past time queues at once', SCHEDULED, { runAt: EARLIER }, { state: 'queued' }],
  ['no time queues at once', SCHEDULED, { runAt: null }, { state: 'queued' }],
  [
    'a semaphore makes a queued job wait',
    WAITING,
    { semaphoreUrl: 'https://a.example/' },
    { state: 'scheduled' },
  ],
  [
    'a time of a paused job leaves it paused',
    { ...WAITING, state: 'paused' },
    { runAt: LATER },
    { state: 'paused', runAt: LATER },
  ],
  [
    'a priority changes the place and not the state',
    SCHEDULED,
    { priority: 1 },
    { state: 'scheduled', priority: 1 },
  ],
  ['an ended job can be kept', COMPLETED, { isPersistent: true }, { isPersistent: true }],
])('%s', (_, job, change, expected) => {
  expect(apply(job, change)).toMatchObject(expected);
});

test.each<[string, ChangeableJob, JobChange, string]>([
  ['put back a running job', STARTED, { state: 'queued' }, 'queue_state'],
  ['put back a scheduled job before its time', SCHEDULED, { state: 'queued' }, 'queue_state'],
  ['put back an ended job', COMPLETED, { state: 'queued' }, 'queue_state'],
  ['pause an ended job', COMPLETED, { state: 'paused' }, 'queue_state'],
  ['give up an ended job', COMPLETED, { state: 'broken' }, 'queue_state'],
  [
    'pause a job that is being stopped',
    { ...STARTED, state: 'broken' },
    { state: 'paused' },
    'queue',
  ],
  ['reschedule a running job', STARTED, { runAt: LATER }, 'run_at'],
  ['reschedule a halted job', HALTED, { runAt: LATER }, 'run_at'],
  [
    'give a running job a semaphore',
    STARTED,
    { semaphoreUrl: 'https://a.example/' },
    'semaphore_url',
  ],
  ['change the priority of a running job', STARTED, { priority: 1 }, 'priority'],
  ['change the priority of an ended job', COMPLETED, { priority: 1 }, 'priority'],
])('it is refused to %s, naming the field', (_, job, change, field) => {
  expect(() => apply(job, change)).toThrow(ImpossibleChangeError);
  expect(() => apply(job, change)).toThrow(new RegExp(`^${field}`));
});
