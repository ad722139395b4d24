import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { z } from 'zod';
import { defineJob, type JobContext, type JobDefinition, snooze } from '../../../src/daybook.ts';

/** Told of completions in a handler's own transaction. */
export interface OwnTransaction {
  /** It is about to commit, with this result. */
  committing(context: JobContext, result: unknown): void;
  /** The answer was lost. */
  unknown(context: JobContext): void;
}

const payload = z.object({ n: z.number(), ms: z.number().default(0) });
const again = { kind: 'fixed', delayMs: 400, jitter: 0.5 } as const;

/**
 * What the workers of the harness can do, and be made to suffer. Every result names the claim that it
 * comes from, so that one which was recorded for another claim shows.
 */
export function chaosJobs(pool: pg.Pool, schema: string, own: OwnTransaction): JobDefinition[] {
  const resultOf = (n: number, { job }: JobContext) => ({ n, claim: job.version });
  return [
    defineJob({ type: 'quick', payload, handler: ({ n }, context) => resultOf(n, context) }),
    defineJob({
      type: 'slow',
      payload,
      handler: async ({ n, ms }, context) => {
        await wait(ms, undefined, { signal: context.signal });
        return resultOf(n, context);
      },
    }),
    defineJob({
      // Never looks at its signal: it goes on after its lease is lost, and says that it is done.
      type: 'deaf',
      payload,
      handler: async ({ n, ms }, context) => {
        await wait(ms);
        return resultOf(n, context);
      },
    }),
    defineJob({
      type: 'flaky',
      payload,
      retry: again,
      handler: ({ n }, context) => {
        if (context.job.attempt === 1) throw new Error('the first attempt fails');
        return resultOf(n, context);
      },
    }),
    defineJob({
      type: 'snoozes',
      payload,
      handler: ({ n }, context) => (context.job.version < 4 ? snooze(300) : resultOf(n, context)),
    }),
    defineJob({
      type: 'doomed',
      payload,
      maxAttempts: 2,
      retry: again,
      handler: () => {
        throw new Error('every attempt fails');
      },
    }),
    defineJob({
      type: 'effect',
      payload,
      maxAttempts: 100,
      retry: again,
      handler: async ({ n }, context) => {
        const result = resultOf(n, context);
        await withEffect(pool, schema, context, result, own);
        return result;
      },
    }),
    defineJob({
      // Says that it is done, in a transaction of its own, long after its lease may have been lost.
      type: 'straddles',
      payload,
      maxAttempts: 100,
      retry: again,
      handler: async ({ n, ms }, context) => {
        await wait(ms);
        const result = resultOf(n, context);
        await withEffect(pool, schema, context, result, own);
        return result;
      },
    }),
    defineJob({
      type: 'deadly',
      payload,
      handler: () => {
        process.kill(process.pid, 'SIGKILL');
      },
    }),
    defineJob({
      type: 'blocks',
      payload,
      handler: ({ n, ms }, context) => {
        const until = process.hrtime.bigint() + BigInt(ms) * 1_000_000n;
        while (process.hrtime.bigint() < until);
        return resultOf(n, context);
      },
    }),
  ];
}

/** Writes a row, and completes the job, in one transaction. */
async function withEffect(
  pool: pg.Pool,
  schema: string,
  context: JobContext,
  result: unknown,
  own: OwnTransaction,
): Promise<void> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('begin');
    const { id, version } = context.job;
    await client.query(`insert into ${schema}.chaos_effects values ($1, $2)`, [id, version]);
    await context.completeIn(client, result);
    own.committing(context, result);
    await client.query('commit').catch((error: unknown) => {
      own.unknown(context);
      throw error;
    });
  } catch (error) {
    broken ??= error as Error;
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}
