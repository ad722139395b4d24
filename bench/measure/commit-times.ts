import type pg from 'pg';
import { quantile } from './quantile.ts';

const COMMITS = 500;

/**
 * How long commits of next to nothing take, one after the other: what the disk under the server
 * allows. No latency of what is durable can be below it, and its tail is a part of theirs.
 * The message is one that Postgres writes ahead like any row; nothing of it stays.
 */
export async function describeCommits(admin: pg.Client): Promise<string> {
  const samples: number[] = [];
  for (let commit = 0; commit < COMMITS; commit += 1) {
    const from = performance.now();
    await admin.query("select pg_logical_emit_message(true, 'daybook-bench', 'commit')");
    samples.push(performance.now() - from);
  }
  const ms = (share: number) => quantile(samples, share).toFixed(2);
  return `p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms`;
}
