import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiDependencies } from '../../../src/api/dependencies.ts';
import { createGaugeSource } from '../../../src/api/gauges.ts';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import { createServer } from '../../../src/api/server.ts';
import { createSubmitCoalescer } from '../../../src/commands/submit/submit-coalescer.ts';
import { prepareReadModels } from '../../support/read-models.ts';
import { projections } from '../../../src/projections/registry.ts';
import { openDatabase } from '../../../src/store/database.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createTelemetry, type Telemetry } from '../../../src/telemetry/telemetry.ts';
import { submitMany, submitOne } from '../../support/job-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
let draining = false;
const logged: string[] = [];
const stream = { write: (line: string) => logged.push(line) };

beforeAll(async () => {
  db = await createTestDatabase();
  await prepareReadModels(db.database);
});
afterAll(async () => {
  await db.drop();
});

/** A server as the door makes it, with telemetry; on a database of the test's own choice. */
function serve(context: ApiDependencies['context'] = db.context) {
  const logger = createLogger({ stream, format: 'json' });
  const telemetry: Telemetry = createTelemetry({ version: '1.2.3', logger });
  const observed = { ...context, observer: telemetry.observer };
  telemetry.setGaugeSource(createGaugeSource(observed));
  const app = createServer({
    context: observed,
    consumers: createConsumerControl(context.database, context.wakeUp, []),
    metricsText: () => telemetry.metricsText(),
    version: '1.2.3',
    instance: 'here',
    isDraining: () => draining,
  });
  return { app, telemetry };
}

/** A context whose database nobody answers for. */
function unreachable() {
  const database = openDatabase({
    connectionString: 'postgres://nobody:secret@127.0.0.1:1/nowhere',
    schema: 'daybook',
    poolSize: 2,
    observer: db.context.observer,
  });
  return { ...db.context, database, coalescer: createSubmitCoalescer(database, 1) };
}

/** The samples of a metric, by their labels. */
function samples(text: string, metric: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.startsWith(metric));
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return name === metric ? [[labels, value]] : [];
    }),
  );
}

describe('health', () => {
  it('is live and ready', async () => {
    const { app } = serve();
    const live = await app.inject('/health/live');
    expect(live.json()).toEqual({
      status: 'live',
      instance: 'here',
      version: '1.2.3',
      reasons: [],
    });
    const ready = await app.inject('/health/ready');
    expect(ready.statusCode).toBe(200);
    expect(ready.json()).toMatchObject({ status: 'ready', reasons: [] });
    await app.close();
  });

  it('is live and not ready while draining, and hands out no jobs', async () => {
    const { app } = serve();
    await submitOne(db, { queue: 'drained' });
    draining = true;
    const ready = await app.inject('/health/ready');
    const claim = await app.inject({
      method: 'POST',
      url: '/v1/queues/drained/claim',
      payload: { worker: 'w' },
    });
    const live = await app.inject('/health/live');
    draining = false;
    expect(ready.statusCode).toBe(503);
    expect(ready.json().reasons).toEqual([expect.objectContaining({ code: 'draining' })]);
    expect(claim.statusCode).toBe(503);
    expect(claim.json().code).toBe('overloaded');
    expect(claim.headers['retry-after']).toBe('1');
    expect(live.statusCode).toBe(200);
    await app.close();
  });

  it('is live and not ready without a database', async () => {
    const { app } = serve(unreachable());
    expect((await app.inject('/health/live')).statusCode).toBe(200);
    const ready = await app.inject('/health/ready');
    expect(ready.statusCode).toBe(503);
    expect(ready.json().reasons).toMatchObject([{ code: 'database-unavailable' }]);
    await app.close();
  });

  it('is not ready before the log is, nor while the database does not answer', async () => {
    const other = await createTestDatabase();
    await other.database.pool.query('truncate daybook.log_head');
    const { app } = serve({ ...db.context, database: other.database });
    const unprepared = await app.inject('/health/ready');
    expect(unprepared.statusCode).toBe(503);
    expect(unprepared.json().reasons).toMatchObject([{ code: 'log-not-ready' }]);
    const client = await other.connect();
    await client.query('begin; lock table daybook.log_head');
    const silent = await app.inject('/health/ready');
    expect(silent.json().reasons).toMatchObject([{ code: 'database-unavailable' }]);
    await client.query('rollback');
    await app.close();
    await other.drop();
  });

  it('is not ready on a schema that lacks something', async () => {
    const { connectionString } = db;
    const { observer } = db.context;
    const options = { connectionString, schema: 'elsewhere', poolSize: 2, observer };
    const database = openDatabase(options);
    const { app } = serve({ ...db.context, database });
    expect((await app.inject('/health/ready')).json().reasons).toMatchObject([
      { code: 'migration-needed' },
    ]);
    const answer = await app.inject('/v1/queues');
    expect(answer.statusCode).toBe(503);
    expect(answer.body).not.toContain('relation');
    await app.close();
    await database.close();
  });
});

describe('without a database', () => {
  it.each([
    ['GET', '/v1/queues', undefined],
    ['GET', '/v1/jobs', undefined],
    ['POST', '/v1/jobs', { type: 'x', queue: 'new-here' }],
  ] as const)('%s %s asks to come back', async (method, url, payload) => {
    const { app } = serve(unreachable());
    const answer = await app.inject({ method, url, ...(payload ? { payload } : {}) });
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'database-unavailable', retryable: true });
    expect(answer.headers['retry-after']).toBe('2');
    await app.close();
  });

  it('a scrape still says what this process knows', async () => {
    const { app, telemetry } = serve(unreachable());
    telemetry.observer.submitted({ queue: 'q', type: 't' }, 3);
    const { statusCode, body, headers } = await app.inject('/metrics');
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(samples(body, 'daybook_up')).toEqual({ '': '0' });
    expect(samples(body, 'daybook_jobs_submitted_total')).toEqual({ 'queue="q",type="t"': '3' });
    expect(samples(body, 'daybook_queue_depth')).toEqual({});
    expect(samples(body, 'daybook_inbox_lag_events')).toEqual({});
    expect(samples(body, 'daybook_db_pool_connections')).toHaveProperty('state="total"');
    expect(logged.join('')).not.toContain('secret');
    await app.close();
  });
});

describe('/metrics', () => {
  it('tells depth, age and lag as the database has them', async () => {
    const { app, telemetry } = serve();
    await submitMany({ ...db, context: { ...db.context, observer: telemetry.observer } }, 2, {
      queue: 'scraped',
    });
    const { body } = await app.inject('/metrics');
    expect(samples(body, 'daybook_up')).toEqual({ '': '1' });
    expect(samples(body, 'daybook_build_info')).toEqual({ 'version="1.2.3"': '1' });
    expect(samples(body, 'daybook_jobs_submitted_total')['queue="scraped",type="x"']).toBe('2');
    // No projector runs here: what it would count is what it lags behind.
    expect(samples(body, 'daybook_queue_depth')['queue="scraped",state="waiting"']).toBe('0');
    const age = samples(body, 'daybook_queue_oldest_age_seconds')['queue="scraped"'];
    expect(Number(age)).toBeGreaterThan(0);
    expect(Number(samples(body, 'daybook_inbox_lag_events')[''])).toBeGreaterThanOrEqual(2);
    expect(Object.keys(samples(body, 'daybook_projection_lag_events'))).toEqual(
      projections.map(({ name }) => `projection="${name}"`),
    );
    expect(body).toMatch(/^process_cpu_seconds_total /m);
    expect(body).toMatch(/^nodejs_eventloop_lag_seconds /m);
    await app.close();
  });
});

describe('a defect', () => {
  it('is answered without a word of its cause, and logged with it', async () => {
    const database = {
      ...db.database,
      run: () => Promise.reject(new Error('syntax error at or near "selct"')),
    };
    const { app } = serve({ ...db.context, database });
    const headers = { 'x-request-id': 'find-me' };
    const answer = await app.inject({ url: '/v1/queues', headers });
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ code: 'internal', requestId: 'find-me' });
    expect(answer.body).not.toMatch(/selct|\.ts|stack/);
    const line = logged.find((each) => each.includes('find-me'));
    expect(line).toContain('selct');
    await app.close();
  });

  it('of an answer that does not fit its schema shows nothing of it', async () => {
    const observed: unknown[] = [];
    const context = {
      ...db.context,
      observer: { ...db.context.observer, warn: (...given: unknown[]) => observed.push(given) },
      database: {
        ...db.database,
        run: () => Promise.resolve([{ id: 'x', name: 7, secret: 'hidden' }] as never[]),
      },
    };
    const app = createServer({
      context,
      consumers: createConsumerControl(db.database, db.wakeUp, []),
      metricsText: () => Promise.resolve(''),
      version: '1',
      instance: 'i',
      isDraining: () => false,
    });
    const answer = await app.inject('/v1/workers');
    expect(answer.statusCode).toBe(500);
    expect(answer.json().code).toBe('internal');
    expect(answer.body).not.toContain('hidden');
    expect(observed).toHaveLength(1);
    await app.close();
  });
});

describe('a read model that lags', () => {
  it('makes a list that should show a write ask to come back', async () => {
    const { app } = serve();
    const id = await submitOne(db);
    const answer = await app.inject(`/v1/jobs?after=1.${id}.1`);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ code: 'projection-behind', retryable: true });
    await app.close();
  });
});
