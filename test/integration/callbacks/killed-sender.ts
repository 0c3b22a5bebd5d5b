import { drainEndpoint } from '../../../activities/callbacks/drain-endpoint.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';
import { createDb } from '../../../src/store/db.ts';

// A process that drains one endpoint and is killed, as `kill -9` would, at its third callback:
// node killed-sender.ts <database url> <endpoint id> <before-send | after-send | after-answer>

const [url = '', endpointId = '0', point] = process.argv.slice(2);
const egress = createEgress();
let calls = 0;

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
};

const failing: Egress = {
  close: () => egress.close(),
  postJson: async (request) => {
    calls += 1;
    if (calls !== 3) return egress.postJson(request);
    if (point === 'before-send') return die();
    if (point === 'after-answer') {
      await egress.postJson(request);
      return die();
    }
    // the receiver tells by holding its answer back that it has the request
    setTimeout(() => void die(), 1000);
    return egress.postJson(request);
  },
};

await drainEndpoint(
  {
    db: createDb({ url, poolSize: 4, applicationName: 'killed', onError: () => undefined }),
    log: createLogger({ name: 'killed', level: 'silent', format: 'json' }),
    egress: failing,
    secrets: createSecretBox([]),
    retryWaitsSeconds: [1],
    watch: () => ({
      look: () => undefined,
      wait: () => new Promise((resolve) => setTimeout(resolve, 50)),
      close: () => undefined,
    }),
  },
  { endpointId: Number(endpointId), tenant: 't', origin: 'o' },
  { signal: new AbortController().signal, heartbeat: () => undefined },
);
