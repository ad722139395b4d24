import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startScript } from '../scripts/script-process.ts';
import { atRate } from './at-rate.ts';
import type { Package } from './package.ts';
import { projectionThroughput } from './projections.ts';
import { quantile } from './quantile.ts';

const bin = fileURLToPath(new URL('../dist/main.js', import.meta.url));

type Opened = Awaited<ReturnType<Package['openDaybook']>>;

/** What was measured of the read models, a line each. */
export async function readModels(
  daybookPackage: Package,
  connectionString: string,
  schema: string,
  events: number,
  seconds: number,
): Promise<string[]> {
  const lines: string[] = [];
  await withLog(daybookPackage, connectionString, schema, events, async (daybook) => {
    const lag = await lagAtRate(daybook, 5_000, seconds);
    lines.push(`lag        of the slowest read model at 5,000 jobs/s: ${lag}`);
  });
  lines.push(...(await rebuildUnderLoad(connectionString, schema, seconds)));
  // Without a projector, which would read for these builds as well.
  const quiet = await daybookPackage.openDaybook({ connectionString, schema, maintain: false });
  try {
    const head = (await quiet.consumers.list())[0]?.head ?? 0n;
    for (const [name, rate] of await projectionThroughput(quiet.context.database, head)) {
      lines.push(`projection ${name}: ${whole(rate)} events/s, over ${whole(Number(head))} events`);
    }
  } finally {
    await quiet.close();
  }
  return lines;
}

/** A Daybook with a worker, and a log of about so many events. */
async function withLog(
  { defineJob, openDaybook }: Package,
  connectionString: string,
  schema: string,
  events: number,
  work: (daybook: Opened) => Promise<void>,
): Promise<void> {
  const noop = defineJob({ type: 'noop', payload: z.unknown(), handler: () => undefined });
  const daybook = await openDaybook({ connectionString, schema, migrate: true, jobs: [noop] });
  try {
    await daybook.worker({ concurrency: 100 }).start();
    for (let submitted = 0; submitted * 3 < events; submitted += 1_000) {
      await daybook.submitMany(Array.from({ length: 1_000 }, () => ({ type: 'noop' })));
    }
    await caughtUp(daybook);
    await work(daybook);
  } finally {
    await daybook.close();
  }
}

/** The lag in seconds, looked at every 20 ms. */
async function lagAtRate(daybook: Opened, perSecond: number, seconds: number): Promise<string> {
  const samples: number[] = [];
  const load = atRate(perSecond / 50, seconds, async () => {
    await daybook.submitMany(Array.from({ length: 50 }, () => ({ type: 'noop' })));
  });
  const watch = atRate(50, seconds, async () => {
    const lags = await daybook.consumers.list();
    samples.push(Math.max(...lags.map(({ lagSeconds }) => lagSeconds * 1_000)));
  });
  await Promise.all([load, watch]);
  await caughtUp(daybook);
  return `p50 ${quantile(samples, 0.5).toFixed(0)} ms, p99 ${quantile(samples, 0.99).toFixed(0)} ms`;
}

/** Builds every read model anew in a `daybook start` process that answers 200 requests a second. */
async function rebuildUnderLoad(
  connectionString: string,
  schema: string,
  seconds: number,
): Promise<string[]> {
  const args = ['start', '--port', '0', '--schema', schema, '--queue', 'elsewhere'];
  const server = startScript(bin, args, { env: { DATABASE_URL: connectionString } });
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  try {
    const [, url = ''] = await server.line(/listens at (\S+)/);
    const paths = ['/v1/jobs?pageSize=20', '/v1/queues', '/v1/queues/default', '/v1/projections'];
    const statuses = new Map<number, number>();
    const samples: number[] = [];
    let turn = 0;
    const ask = async () => {
      const at = performance.now();
      const path = paths[(turn += 1) % paths.length] ?? '/';
      const status = await call(agent, 'GET', `${url}${path}`);
      samples.push(performance.now() - at);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    };
    const submit = async () => {
      await call(agent, 'POST', `${url}/v1/jobs`, '{"type":"noop","queue":"load"}');
    };
    await atRate(100, 2, ask);
    samples.length = 0;
    const began = performance.now();
    const list = async () => JSON.parse(await body(agent, `${url}/v1/projections`)).data as Row[];
    const before = await list();
    for (const { name } of before)
      await call(agent, 'POST', `${url}/v1/projections/${name}/rebuild`);
    const rebuilt = new AbortController();
    let rebuiltMs = 0;
    const until = async () => {
      while ((await list()).some(({ role }) => role === 'building')) {
        await new Promise((resolve) => {
          setTimeout(resolve, 100);
        });
      }
      rebuiltMs = performance.now() - began;
      rebuilt.abort();
    };
    const load = async () => {
      do await Promise.all([atRate(150, seconds / 5, ask), atRate(50, seconds / 5, submit)]);
      while (!rebuilt.signal.aborted);
    };
    await Promise.all([load(), until()]);
    const head = Number(before[0]?.head ?? 0);
    const failed = [...statuses].filter(([status]) => status >= 500);
    return [
      `rebuild    of ${before.length} read models over ${whole(head)} events beside 200 requests/s: ${(rebuiltMs / 1_000).toFixed(1)} s, ${whole((head / rebuiltMs) * 1_000)} events/s each`,
      `api        meanwhile: p50 ${quantile(samples, 0.5).toFixed(1)} ms, p99 ${quantile(samples, 0.99).toFixed(1)} ms, ${failed.length === 0 ? 'no 5xx' : `5xx: ${JSON.stringify(failed)}`} in ${samples.length} answers`,
    ];
  } finally {
    agent.destroy();
    await server.stop('SIGTERM');
  }
}

interface Row {
  readonly name: string;
  readonly role: string;
  readonly head: string;
}

function call(agent: Agent, method: string, url: string, content?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = content === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(url, { method, agent, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(content);
  });
}

function body(agent: Agent, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function caughtUp(daybook: Opened): Promise<void> {
  const { pool } = daybook.context.database;
  for (;;) {
    const { schema } = daybook.context.database;
    const inbox = await pool.query(`select from "${schema}".event_inbox limit 1`);
    const claims = await pool.query(
      `select from "${schema}".job_claims where queue_id = 1 limit 1`,
    );
    const lags = await daybook.consumers.list();
    const behind = lags.some(({ role, lagEvents }) => role === 'live' && lagEvents > 0n);
    if (inbox.rowCount === 0 && claims.rowCount === 0 && !behind) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
