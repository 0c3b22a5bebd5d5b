import { TestWorkflowEnvironment } from '@temporalio/testing';

// The SDK downloads only on its way to a test server, which is stopped again.
const [, , downloadDir = '.'] = process.argv;
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir } },
});
await environment.teardown();
