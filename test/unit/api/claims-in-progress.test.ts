import { expect, it } from 'vitest';
import { createClaimsInProgress } from '../../../src/api/claiming/claims-in-progress.ts';
import type { ClaimedJob } from '../../../src/commands/work/claim-jobs.ts';

const claimed = (...tokens: string[]) =>
  tokens.map((leaseToken) => ({ leaseToken, queue: 'q', type: leaseToken }) as ClaimedJob);

it('gives a claim once, and forgets the oldest beyond its limit', () => {
  const claims = createClaimsInProgress(2);
  claims.add(claimed('a'), 10);
  claims.add(claimed('b', 'c'), 20);
  expect(claims.take('a')).toBeUndefined();
  expect(claims.take('b')).toEqual({ labels: { queue: 'q', type: 'b' }, claimedAt: 20 });
  expect(claims.take('b')).toBeUndefined();
  claims.add(claimed('d'), 30);
  expect(claims.take('c')).toBeDefined();
  expect(claims.take('d')).toBeDefined();
});
