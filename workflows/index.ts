/** The recipes, named exactly as the contract names its workflows, then the engine's own workflows. */
export { vodstream } from './vodstream.ts';
export { voddelete } from './voddelete.ts';
export { asset_delete } from './asset-delete.ts';
export { undo_publish } from './undo-publish.ts';
export { deliverEndpoint } from './deliver-endpoint.ts';
export { reconcileJobs } from './reconcile-jobs.ts';
export { queueScheduledJobs } from './queue-scheduled-jobs.ts';
export { clearJobs } from './clear-jobs.ts';
export { sweepStorage } from './sweep-storage.ts';
