import { listBuilds } from '../../../src/consumers/statements/list-builds.ts';
import { parkEvents } from '../../../src/consumers/statements/park-events.ts';
import { writeNotes } from '../../../src/store/statements/write-notes.ts';
import { readHead } from '../../../src/store/statements/read-head.ts';
import { applyLive } from '../../support/read-models.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import type { ApiAnswer, TestApi } from '../api/api-server.ts';
import type { Samples } from './schema-values.ts';

/** Lets jobs live in every state there is, and tells by which names and tokens they can be asked for. */
export async function makeHistory(api: TestApi): Promise<Samples> {
  const { post, get } = api;
  const must = async (asked: Promise<ApiAnswer>) => {
    const answer = await asked;
    if (answer.status >= 400) throw new Error(`The history cannot be made: ${answer.text}`);
    return answer.body;
  };
  const submitted = await must(post('/v1/jobs/batch', { jobs: manyJobs() }));
  const ids: string[] = submitted.jobs.map(({ id }: { id: string }) => id);
  const keyed = await must(
    post(
      '/v1/jobs',
      { type: 'send', uniqueKey: 'one', delayMs: 60_000 },
      { 'idempotency-key': 'first' },
    ),
  );
  ids.push(keyed.job.id);
  for (const id of ids.slice(0, 2))
    await must(post(`/v1/jobs/${id}/cancel`, { reason: 'why not' }));
  const { session, jobs } = await must(
    post('/v1/queues/mail/claim', { worker: 'one', limit: 20, leaseMs: 600_000 }),
  );
  const claims = jobs.map(({ id, leaseToken }: ClaimedJob) => ({ jobId: id, leaseToken }));
  await must(post('/v1/claims/complete', { items: claims.slice(0, 3) }));
  await must(post('/v1/claims/fail', { items: claims.slice(3, 8).map(failed) }));
  await must(post('/v1/claims/snooze', { items: claims.slice(8, 9).map(snoozed) }));
  await must(post('/v1/claims/release', { items: claims.slice(9, 10) }));
  await must(post('/v1/queues/held/pause', {}));
  const lines = ['a line', 'another'];
  await api.db.database.run(writeNotes, {
    notes: [{ jobId: ids[4] ?? '', progress: '{"done":1}', lines }],
  });
  await readAll(api);
  for (const name of ['one', 'two']) {
    await must(
      api.ask('PUT', `/v1/subscriptions/${name}`, {
        startFrom: 'beginning',
        ackTimeoutMs: 3_600_000,
      }),
    );
  }
  const received = await must(post('/v1/subscriptions/one/receive', { member: 'one', limit: 20 }));
  const deliveries: string[] = received.deliveries.map(
    (each: { delivery: string }) => each.delivery,
  );
  const nacks = deliveries.slice(0, 3).map((delivery) => ({ delivery, action: 'park' }));
  await must(post('/v1/subscriptions/one/nack', { items: nacks }));
  await api.db.database.run(parkEvents, {
    consumer: 'job-status',
    build: 1,
    positions: [1n],
    streamIds: [ids[0] ?? ''],
    state: 'parked',
    attempts: 3,
    error: { message: 'why' },
  });
  const { id: run } = await must(post('/v1/verify'));
  const page = (await get('/v1/jobs?pageSize=2')).body;
  const pageAt = (await get('/v1/jobs?pageSize=2&at=20')).body;
  const failures = (await get('/v1/failures?pageSize=1')).body;
  const later = (await must(post('/v1/jobs', { type: 'late', queue: 'late' }))).job.id;
  const now = new Date().toISOString();
  const logTokens = ['v1.1.0', 'v1.1.7', 'v1.1.20', 'v1.2.7', '0', '7', '100000'];
  const writeTokens = [
    ...submitted.jobs.slice(0, 3).map(tokenOf),
    `1.${later}.1`,
    `2.${ids[0]}.2`,
    `1.${ids[0]}.9`,
  ];
  const places = ['beginning', 'now', now, ...logTokens];
  return {
    id: [...ids, later, run, session],
    jobId: ids,
    job: ids,
    streamId: ids,
    claim: claims,
    leaseToken: claims.map(({ leaseToken }: { leaseToken: string }) => leaseToken),
    session: [session, ids[0]],
    queue: ['mail', 'held', 'default', 'late', 'nowhere'],
    queues: ['mail', 'held'],
    type: ['send', 'resize', 'never'],
    jobType: ['send', 'resize'],
    tag: ['welcome', 'none'],
    correlation: ['order-1', ids[0]],
    subscription: ['one', 'two', 'three'],
    consumer: ['job-status', 'queue-counters', 'job-metrics', 'failure-groups', 'none'],
    delivery: deliveries,
    eventType: ['JobSubmitted', 'JobFailed', 'QueuePaused'],
    failure: failures.data.map(({ fingerprint }: { fingerprint: string }) => fingerprint),
    pageToken: [page.nextPageToken, pageAt.nextPageToken, failures.nextPageToken].filter(
      (token) => token !== undefined,
    ),
    after: [...writeTokens, ...logTokens, 'start', 'end'],
    'last-event-id': logTokens,
    minPosition: ['1', '20', '100000'],
    at: ['1', '20', '100000', now, new Date(Date.now() - 86_400_000).toISOString()],
    startFrom: places,
    to: [...places, now],
    'idempotency-key': ['first', 'second', ...ids.slice(0, 5)],
    uniqueKey: ['one', 'two', ...ids.slice(0, 5)],
  };
}

interface ClaimedJob {
  readonly id: string;
  readonly leaseToken: string;
}

function manyJobs(): object[] {
  const mail = Array.from({ length: 30 }, (_, index) => ({
    queue: 'mail',
    type: index % 2 === 0 ? 'send' : 'resize',
    payload: { index },
    maxAttempts: 1 + (index % 3),
    tags: ['welcome'],
    correlationId: 'order-1',
  }));
  const held = Array.from({ length: 5 }, () => ({ queue: 'held', type: 'send', delayMs: 60_000 }));
  return [...mail, ...held];
}

function failed(claim: object, index: number): object {
  return { ...claim, retryable: index % 2 === 0, error: { message: `no. ${index} "x"` } };
}

function snoozed(claim: object): object {
  return { ...claim, delayMs: 60_000 };
}

function tokenOf({ token }: { token: string }): string {
  return token;
}

/** Gives everything a position, and has it read; from now on nobody does. */
async function readAll({ db: { database } }: TestApi): Promise<void> {
  await sequenceAll(database);
  const [head] = await database.run(readHead, {});
  if (head === undefined) throw new Error('The log has no head.');
  for (const build of await database.run(listBuilds, { name: null })) {
    await applyLive(database, build.name, { after: 0n, upTo: head.position });
  }
}
