import { EventStoreDBClient } from '@eventstore/db-client';
import { collectDeadJobs, type DeadJob } from './dead-jobs.ts';
import { followJobs } from './follow-jobs.ts';
import { JobCounts } from './job-counts.ts';

/**
 * A service that knows nothing of Daybook’s database: it reads the log from KurrentDB, to which
 * Daybook relays it. With EVENTSTORE_URL set for both:
 *
 *   daybook start
 *   npm run example:kurrent-reader
 */
const url = process.env['EVENTSTORE_URL'] ?? '';
if (url === '') {
  console.error('EVENTSTORE_URL is not set: name the KurrentDB that Daybook relays to.');
  process.exit(1);
}
const client = EventStoreDBClient.connectionString(url);
const counts = new JobCounts(process.env['JOB_COUNTS_FILE'] ?? 'job-counts.json');
const dead = new Map<string, DeadJob>();
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());

await counts.load();
await Promise.all([
  followJobs(client, counts, stopping.signal, (now) => console.log(now, { toLookAt: dead.size })),
  collectDeadJobs(client, dead, stopping.signal),
]);
await client.dispose();
