import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../../src/embedded/embedded-postgres.ts';
import { type ScriptProcess, startDaybook } from '../../scripts/script-process.ts';
import { type MailServer, startMailServer } from './mail-server.ts';

/**
 * Mails everybody in recipients.csv: a job each, submitted over HTTP, worked by a process of its own
 * that sends by real SMTP. With `--kill` that process is killed half-way (SIGKILL), and another takes
 * its place. At the end the mail server's own count is held against Daybook's.
 */
const kills = process.argv.includes('--kill') ? 1 : 0;
const folder = fileURLToPath(new URL('.', import.meta.url));
const dataFolder = fileURLToPath(new URL(`../../.daybook/mailer-${process.pid}`, import.meta.url));

const undo: (() => Promise<unknown>)[] = [];
try {
  const ok = await run();
  process.exitCode = ok ? 0 : 1;
} finally {
  for (const step of undo.toReversed()) await step();
}

async function run(): Promise<boolean> {
  const postgres = await startEmbeddedPostgres({ dataFolder: `${dataFolder}/postgres` });
  undo.push(async () => {
    await postgres.stop();
    await rm(dataFolder, { recursive: true, force: true });
    await rm(postgres.dataFolder, { recursive: true, force: true });
  });
  const mail = await startMailServer();
  undo.push(() => mail.close());
  const env = {
    DATABASE_URL: postgres.connectionString,
    MAILER_SMTP_PORT: String(mail.port),
  };
  const server = startDaybook(['start', '--port', '0'], { env });
  undo.push(() => server.stop('SIGTERM'));
  const [, url = ''] = await server.line(/listens at (\S+)/);
  console.log(`Daybook at ${url}, SMTP server on port ${mail.port}.`);

  const recipients = await readRecipients();
  const startedAt = performance.now();
  const ids = await submitAll(url, recipients);
  console.log(`Submitted ${ids.length} jobs over HTTP.`);

  let worker = await startWorker(env);
  undo.push(() => worker.stop('SIGTERM'));
  if (kills > 0) {
    await acceptedBy(mail, ids.length / 2);
    await worker.stop('SIGKILL');
    console.log(`Killed the worker at ${mail.accepted.size} mails.`);
    worker = await startWorker(env);
  }
  const counts = await ended(url);
  const seconds = (performance.now() - startedAt) / 1_000;
  return report(url, ids, mail, counts, seconds);
}

async function readRecipients(): Promise<{ name: string; email: string }[]> {
  const [, ...rows] = (await readFile(`${folder}recipients.csv`, 'utf8')).trim().split('\n');
  return rows.map((row) => {
    const [name = '', email = ''] = row.split(',');
    return { name, email };
  });
}

async function submitAll(url: string, recipients: { name: string; email: string }[]) {
  const ids: string[] = [];
  for (let from = 0; from < recipients.length; from += 500) {
    const jobs = recipients.slice(from, from + 500).map((payload) => ({
      queue: 'mail',
      type: 'send-mail',
      payload,
      maxAttempts: 5,
      correlationId: 'newsletter-2026-11',
    }));
    const answer = await fetch(`${url}/v1/jobs/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `newsletter-${from}` },
      body: JSON.stringify({ jobs }),
    });
    if (answer.status !== 201) throw new Error(`The batch was refused: ${await answer.text()}`);
    const batch = (await answer.json()) as { jobs: { id: string }[] };
    ids.push(...batch.jobs.map(({ id }) => id));
  }
  return ids;
}

async function startWorker(env: NodeJS.ProcessEnv): Promise<ScriptProcess> {
  const args = ['worker', `${folder}jobs.ts`, '--queue', 'mail', '--concurrency', '20'];
  const worker = startDaybook(args, { env });
  await worker.line(/Working mail/);
  return worker;
}

function acceptedBy(mail: MailServer, count: number): Promise<void> {
  return new Promise((resolve) => {
    mail.onAccepted(() => {
      if (mail.accepted.size >= count) resolve();
    });
  });
}

interface Counters {
  readonly waiting: number;
  readonly running: number;
  readonly completed: number;
  readonly dead: number;
  readonly retried: number;
  readonly interrupted: number;
}

async function counters(url: string): Promise<Counters> {
  const answer = await fetch(`${url}/v1/queues/mail`);
  const { jobs, totals } = (await answer.json()) as { jobs: Counters; totals: Counters };
  return { ...jobs, ...totals };
}

async function ended(url: string): Promise<Counters> {
  for (;;) {
    const now = await counters(url);
    if (now.waiting + now.running === 0 && now.completed > 0) return now;
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}

async function report(
  url: string,
  ids: string[],
  mail: MailServer,
  counts: Counters,
  seconds: number,
): Promise<boolean> {
  const sent = mail.accepted.size;
  const accepted = [...mail.accepted.values()].reduce((sum, times) => sum + times, 0);
  const duplicates = accepted - sent;
  const rows: [string, number][] = [
    ['jobs submitted', ids.length],
    ['sent (distinct Message-IDs the server accepted)', sent],
    ['completed', counts.completed],
    ['retried', counts.retried],
    ['interrupted', counts.interrupted],
    ['refused for good by the server', mail.refusedForGood.size],
    ['dead', counts.dead],
    ['duplicates (killed between 250 and completion)', duplicates],
  ];
  console.log(`\nAfter ${seconds.toFixed(1)} s:`);
  for (const [what, count] of rows) console.log(`  ${String(count).padStart(6)}  ${what}`);

  console.log('\nThe history of one job:');
  await printHistory(url, ids);

  const sums: [string, boolean][] = [
    ['every job ended', counts.completed + counts.dead === ids.length],
    ['accepted = completed', sent === counts.completed],
    ['refused for good = dead', mail.refusedForGood.size === counts.dead],
    ['every job’s mail is its own', ids.filter((id) => mail.accepted.has(id)).length === sent],
    ['duplicates <= jobs in flight at the kill', duplicates <= counts.interrupted],
  ];
  console.log('');
  for (const [what, ok] of sums) console.log(`  ${ok ? 'ok   ' : 'WRONG'}  ${what}`);
  return sums.every(([, ok]) => ok);
}

/** The most eventful of the first jobs. */
async function printHistory(url: string, ids: string[]): Promise<void> {
  interface Event {
    version: number;
    position: string | null;
    type: string;
    occurredAt: string;
    data: Record<string, unknown>;
  }
  const histories = await Promise.all(
    ids.slice(0, 50).map(async (id) => {
      const answer = await fetch(`${url}/v1/jobs/${id}/events`);
      return { id, events: ((await answer.json()) as { data: Event[] }).data };
    }),
  );
  const longest = histories.toSorted((a, b) => b.events.length - a.events.length)[0];
  if (longest === undefined) return;
  console.log(`  job ${longest.id}`);
  for (const { version, position, type, occurredAt, data } of longest.events) {
    const error = (data['error'] as { message?: string } | undefined)?.message ?? '';
    console.log(`  ${version}  at ${position}  ${occurredAt}  ${type}  ${error}`.trimEnd());
  }
}
