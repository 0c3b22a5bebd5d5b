/**
 * The activities that are tasks of a job: activity type → the task's name on the wire. Only these
 * are told by callbacks; anything else a workflow calls is the engine's own business.
 */
export const TASKS = {
  fetchSource: 'fetch_source',
  inspectSource: 'inspect_source',
  prepareCaptions: 'prepare_captions',
  package: 'package',
  createThumbnail: 'create_thumbnail',
  generateMp4: 'generate_mp4',
  extractMetadata: 'extract_metadata',
  publish: 'publish',
  deleteSource: 'delete_source',
  deleteAsset: 'delete_asset',
  deleteFiles: 'delete_files',
  restorePublication: 'restore_publication',
  cleanup: 'cleanup',
} as const;

/** An activity type that is a task. */
export type TaskActivity = keyof typeof TASKS;

/** A task's name as callbacks and logs spell it. */
export type TaskName = (typeof TASKS)[TaskActivity];

/** What each task does, one line for the Web UI. */
export const TASK_SUMMARIES: Readonly<Record<TaskName, string>> = {
  fetch_source: 'copy the source files into scratch',
  inspect_source: 'read every packet, choose tracks',
  prepare_captions: 'subtitles to WebVTT',
  package: 'tracks to CMAF, counted',
  create_thumbnail: 'one frame as JPEG',
  generate_mp4: 'tracks into one MP4',
  extract_metadata: 'technical metadata',
  publish: 'upload, switch manifests last',
  delete_source: 'delete what was fetched',
  delete_asset: 'delete a folder, manifests first',
  delete_files: 'delete single files',
  restore_publication: 'former files back, manifests last',
  cleanup: 'remove scratch files',
};

/** The wire name of an activity, or undefined where the activity is no task. */
export function taskNameOf(activityType: string): TaskName | undefined {
  return Object.hasOwn(TASKS, activityType) ? TASKS[activityType as TaskActivity] : undefined;
}
