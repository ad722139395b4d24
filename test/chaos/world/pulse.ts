import { fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { monotonicMs } from '../monotonic.ts';
import type { PulseLine } from '../processes/pulse.ts';
import type { World } from './world.ts';

/** How the whole is doing, and each part of it. Times are monotonic ms. */
export interface Pulse {
  /** The most that was due or running at one time during the last seconds. */
  recentBacklog(): number;
  /**
   * When, after a time, everything was well again; asked once all of it should be.
   * @param backlog no more due or running than this many
   */
  signsAfter(since: number, backlog: number): Signs;
  /** The longest time between two completions, whoever made them, from one time to another. */
  silence(from: number, to: number): number;
  stop(): Promise<void>;
}

/** When each sign of life first came; null if it did not yet. */
export interface Signs {
  /** Some job was completed. */
  readonly completion: number | null;
  /** Every worker has completed one. */
  readonly workers: number | null;
  /** Every API has answered from the database. */
  readonly apis: number | null;
  /** The log has moved. */
  readonly log: number | null;
  /** Nothing more is due or running than before. */
  readonly backlog: number | null;
}

const EVERY_MS = 100;
const RECENT_MS = 5_000;
/** An API that takes longer is not well. */
const ANSWER_MS = 1_500;

interface Sample {
  readonly at: number;
  readonly backlog: number;
  readonly position: bigint;
}

export function startPulse(world: World): Pulse {
  const over = new AbortController();
  const samples: Sample[] = [];
  const completions = world.workers.map((): number[] => []);
  const answers = world.urls.map((): number[] => []);
  const files = world.workers.map(({ name }) => tailOf(`${world.folder}/${name}.pulse.jsonl`));

  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      for (const [index, read] of files.entries()) {
        const completed = read().filter(({ outcome }) => outcome === 'completed');
        completions[index]?.push(...completed.map(({ at }) => at));
      }
      const sample = await look(world).catch(() => null);
      if (sample !== null) samples.push({ ...sample, at: monotonicMs() });
      await wait(EVERY_MS);
    }
  }

  async function ask(url: string, answered: number[]): Promise<void> {
    while (!over.signal.aborted) {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const answer = await fetch(`${url}/v1/queues/main`, { signal }).catch(() => null);
      await answer?.arrayBuffer().catch(() => null);
      if (answer?.status === 200) answered.push(monotonicMs());
      await wait(EVERY_MS);
    }
  }

  const asking = world.urls.map((url, index) => ask(url, answers[index] ?? []));
  const running = Promise.all([watch(), ...asking]);
  return {
    recentBacklog() {
      const from = monotonicMs() - RECENT_MS;
      return Math.max(0, ...samples.filter(({ at }) => at > from).map(({ backlog }) => backlog));
    },
    signsAfter(since, backlog) {
      const before = samples.findLast(({ at }) => at <= since)?.position ?? 0n;
      const later = samples.filter(({ at }) => at > since);
      return {
        completion: firstAfter(since, completions.flat()),
        workers: eachAfter(since, completions),
        apis: eachAfter(since, answers),
        log: later.find(({ position }) => position > before)?.at ?? null,
        backlog: later.find((sample) => sample.backlog <= backlog)?.at ?? null,
      };
    },
    silence(from, to) {
      const times = completions.flat().filter((at) => at > from && at < to);
      const all = [from, ...times.toSorted((a, b) => a - b), to];
      return Math.max(...all.slice(1).map((at, index) => at - (all[index] ?? at)));
    },
    async stop() {
      over.abort();
      await running;
    },
  };
}

function firstAfter(since: number, times: readonly number[]): number | null {
  const first = Math.min(...times.filter((at) => at > since));
  return Number.isFinite(first) ? first : null;
}

/** When the last of several had its first time. */
function eachAfter(since: number, all: readonly (readonly number[])[]): number | null {
  const firsts = all.map((times) => firstAfter(since, times));
  return firsts.includes(null) ? null : Math.max(...firsts.map((first) => first ?? 0));
}

/** Jobs that are due or running, those of paused queues left out, and how long the log is. */
async function look({ admin }: World): Promise<Omit<Sample, 'at'>> {
  const { rows } = await admin.query<{ backlog: number; position: string }>(
    `select (select position from daybook.log_head) as position, (
       select count(*)::int from daybook.job_claims c join daybook.queues q on q.id = c.queue_id
       where c.lease_token is not null or (c.run_at <= statement_timestamp() and not q.paused)
     ) as backlog`,
  );
  return { backlog: rows[0]?.backlog ?? 0, position: BigInt(rows[0]?.position ?? 0) };
}

/** Gives the lines that were added to a file since the last call. */
function tailOf(path: string): () => PulseLine[] {
  let file: number | null = null;
  let offset = 0;
  let torn = '';
  return () => {
    file ??= openSync(path, 'r');
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.max(0, size - offset));
    offset += readSync(file, bytes, 0, bytes.length, offset);
    const lines = (torn + bytes.toString()).split('\n');
    torn = lines.pop() ?? '';
    return lines.flatMap((line) => parse(line));
  };
}

/** A process that is killed may tear its last line, onto which the next one then writes. */
function parse(line: string): PulseLine[] {
  try {
    return [JSON.parse(line) as PulseLine];
  } catch {
    return [];
  }
}
