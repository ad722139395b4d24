import pg from 'pg';
import { type JobContext, type Middleware, openDaybook } from '../../../src/daybook.ts';
import { sha256 } from '../../../src/kernel/ids.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import type { ClientRecord } from '../../../src/verify/safety/witnesses/client-record.ts';
import { monotonicMs } from '../monotonic.ts';
import { chaosJobs } from './jobs.ts';
import { sayReady } from './orders.ts';
import type { PulseLine } from './pulse.ts';
import { openRecordFile } from './record-file.ts';
import { makeClockShiftable } from './shifted-clock.ts';

/** A worker process: `<connection string> <name> <folder for records> <worker options as JSON>`. */
const [connectionString = '', name = '', folder = '', options = '{}'] = process.argv.slice(2);
makeClockShiftable();
const records = openRecordFile<ClientRecord>(`${folder}/${name}.records.jsonl`);
const pulse = openRecordFile<PulseLine>(`${folder}/${name}.pulse.jsonl`);
const logger = createLogger({ stream: process.stderr, format: 'human' });

const claimOf = ({ job }: JobContext) => ({
  jobId: job.id,
  claimVersion: job.version,
  by: name,
  atMs: Date.now(),
});
const returned = (context: JobContext, result: unknown) => {
  const resultHash = sha256(JSON.stringify(result ?? null));
  records.add({ kind: 'handler-ended', ...claimOf(context), how: 'returned', resultHash });
};

/** Says that a handler starts before it does anything, so that a process killed in it has said so. */
const witness: Middleware = async (context, next) => {
  records.add({ kind: 'handler-started', ...claimOf(context) });
  try {
    const result = await next();
    returned(context, result);
    return result;
  } catch (error) {
    records.add({ kind: 'handler-ended', ...claimOf(context), how: 'threw' });
    throw error;
  }
};

const pool = new pg.Pool({
  connectionString,
  max: 4,
  connectionTimeoutMillis: 10_000,
  query_timeout: 10_000,
  application_name: 'chaos handler',
});
pool.on('error', (error) => logger.warn('an idle connection of a handler was lost', { error }));
const jobs = chaosJobs(pool, 'daybook', {
  committing: returned,
  unknown: (context) =>
    records.add({ kind: 'outcome', ...claimOf(context), verb: 'complete', answer: 'unknown' }),
});

const daybook = await openDaybook({
  connectionString,
  jobs,
  middleware: [witness],
  maintain: false,
  observer: {
    ...silentObserver,
    warn: (message, context) => logger.warn(message, context),
    info: (message, context) => logger.info(message, context),
    ended: (_labels, outcome) => pulse.add({ at: monotonicMs(), outcome }),
  },
});
await daybook.worker({ name, ...(JSON.parse(options) as object) }).start();
sayReady();
process.once('SIGTERM', () => {
  void daybook
    .close()
    .then(() => pool.end())
    .then(() => process.exit(0));
});
