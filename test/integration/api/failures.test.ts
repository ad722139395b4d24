import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submitOne } from '../../support/job-steps.ts';
import { createTestApi, type TestApi } from './api-server.ts';

let api: TestApi;
beforeAll(async () => {
  api = await createTestApi();
  await api.startReaders();
});
afterAll(async () => {
  await api.close();
});

/** Lets a new job fail once; answers its id and the token of the failure. */
async function fail(
  job: { readonly queue: string; readonly type: string },
  error: { readonly name: string; readonly message: string },
  retryable = true,
): Promise<{ id: string; after: string }> {
  const id = await submitOne(api.db, job);
  const claimed = await api.post(`/v1/queues/${job.queue}/claim`, { worker: 'w', limit: 1 });
  const [{ leaseToken }] = claimed.body.jobs;
  const item = {
    jobId: id,
    leaseToken,
    error,
    retryable,
    ...(retryable ? { retryDelayMs: 60_000 } : {}),
  };
  const { body } = await api.post('/v1/claims/fail', { items: [item] });
  expect(body.items[0].outcome).toBe('recorded');
  return { id, after: `after=1.${id}.4` };
}

const mail = { queue: 'mail', type: 'send' };

describe('GET /v1/failures', () => {
  it('puts failures of one kind together, and leads to their jobs', async () => {
    const first = await fail(mail, { name: 'SmtpError', message: 'mailbox 17 is full' });
    const second = await fail(mail, { name: 'SmtpError', message: 'mailbox 4711 is full' }, false);
    const other = await fail(mail, { name: 'SmtpError', message: 'no route to host' });
    const { status, body } = await api.get(`/v1/failures?${other.after}`);
    expect(status).toBe(200);
    expect(body.data).toEqual([
      expect.objectContaining({ count: 1, dead: 0, jobId: other.id }),
      {
        fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
        type: 'send',
        queue: 'mail',
        error: { name: 'SmtpError', message: 'mailbox 4711 is full' },
        jobId: second.id,
        firstSeenAt: expect.any(String),
        lastSeenAt: expect.any(String),
        count: 2,
        dead: 1,
      },
    ]);
    const [, { fingerprint, firstSeenAt, lastSeenAt }] = body.data;
    expect(Date.parse(lastSeenAt)).toBeGreaterThanOrEqual(Date.parse(firstSeenAt));
    const jobs = async (query: string) => {
      const page = await api.get(`/v1/jobs?failure=${fingerprint}&${other.after}&${query}`);
      return page.body.data.map(({ id }: { id: string }) => id);
    };
    expect(await jobs('')).toEqual([second.id, first.id]);
    expect(await jobs('state=dead')).toEqual([second.id]);
    expect(await jobs('queue=mail&state=retrying')).toEqual([first.id]);
    expect(await jobs('pageSize=1')).toEqual([second.id]);
    const shown = (await api.get(`/v1/jobs?failure=${fingerprint}`)).body.data[0];
    expect(shown.failure).toBe(fingerprint);
    expect((await api.get(`/v1/jobs?failure=${'0'.repeat(32)}`)).body.data).toEqual([]);
  });

  it('filters by queue and type, and gives page by page what it gives at once', async () => {
    const words = ['one', 'two', 'three', 'four', 'five'];
    for (const word of words) {
      await fail({ queue: 'paged', type: 'a' }, { name: 'Error', message: word });
    }
    const { after } = await fail({ queue: 'paged', type: 'b' }, { name: 'Error', message: 'one' });
    const messages = (page: { body: { data: { error: { message: string } }[] } }) =>
      page.body.data.map(({ error }) => error.message);
    const all = await api.get(`/v1/failures?queue=paged&${after}`);
    expect(messages(all)).toEqual(['one', ...words.toReversed()]);
    expect(messages(await api.get('/v1/failures?queue=paged&type=b'))).toEqual(['one']);
    expect(messages(await api.get('/v1/failures?type=a'))).toEqual(words.toReversed());
    expect(messages(await api.get('/v1/failures?type=nobody-has-it'))).toEqual([]);
    const found: string[] = [];
    let token = '';
    do {
      const page = await api.get(`/v1/failures?queue=paged&pageSize=2${token}`);
      expect(page.body.data.length).toBeGreaterThan(0);
      found.push(...messages(page));
      token = page.body.nextPageToken === undefined ? '' : `&pageToken=${page.body.nextPageToken}`;
    } while (token !== '');
    expect(found).toEqual(messages(all));
  });

  it('tells groups that were seen in the same ms apart', async () => {
    const { after } = await fail({ queue: 'same', type: 'c' }, { name: 'Error', message: 'x' });
    await api.get(`/v1/failures?${after}`);
    await api.db.database.pool.query(
      `insert into ${api.db.schema}.failure_groups_1
       select md5(n::text)::uuid, tenant_id, type_id, queue_id, first_seen, last_seen, last_position,
         1, 0, job_id, error_name, message
       from ${api.db.schema}.failure_groups g, generate_series(1, 4) n
       where g.queue_id = (select id from ${api.db.schema}.queues where name = 'same')`,
    );
    const found: string[] = [];
    let token = '';
    do {
      const page = await api.get(`/v1/failures?queue=same&pageSize=1${token}`);
      found.push(...page.body.data.map(({ fingerprint }: never) => fingerprint));
      token = page.body.nextPageToken === undefined ? '' : `&pageToken=${page.body.nextPageToken}`;
    } while (token !== '');
    expect(found).toHaveLength(5);
    expect(found).toEqual(found.toSorted().toReversed());
  });

  it('refuses a token of another filter, and one of another list', async () => {
    await fail({ queue: 'tokens', type: 'd' }, { name: 'Error', message: 'y' });
    const { after } = await fail({ queue: 'tokens', type: 'd' }, { name: 'Error', message: 'z' });
    const first = await api.get(`/v1/failures?queue=tokens&pageSize=1&${after}`);
    const jobs = await api.get('/v1/jobs?queue=tokens&pageSize=1');
    for (const query of [
      `type=d&pageToken=${first.body.nextPageToken}`,
      `queue=tokens&pageToken=${jobs.body.nextPageToken}`,
    ]) {
      const { status, body } = await api.get(`/v1/failures?${query}`);
      expect([query, status]).toEqual([query, 400]);
      expect(body.errors[0].pointer).toBe('/query/pageToken');
    }
  });

  it.each([
    ['queue=Q', '/query/queue'],
    ['pageSize=0', '/query/pageSize'],
    ['sort=count', '/query/sort'],
    ['after=x', '/query/after'],
  ])('refuses ?%s', async (query, pointer) => {
    const { status, body } = await api.get(`/v1/failures?${query}`);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(pointer);
  });

  it('does not find an unknown queue', async () => {
    expect((await api.get('/v1/failures?queue=nowhere')).body.code).toBe('queue-not-found');
  });
});
