import { createEgress } from '../../src/egress/egress.ts';

// A process of its own: which authorities Node trusts is decided when it starts (NODE_EXTRA_CA_CERTS).
const [url = '', isVerified] = process.argv.slice(2);
const egress = createEgress();
const result = await egress.postJson({
  url,
  body: '{}',
  allowedNetworks: ['127.0.0.0/8', '::1/128'],
  tls: { isVerified: isVerified === 'verified', certificate: undefined },
  timeoutMs: 10_000,
  signal: new AbortController().signal,
});
process.stdout.write(result.kind === 'answered' ? String(result.status) : result.failure);
await egress.close();
