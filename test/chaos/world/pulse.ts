import { fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { monotonicMs } from '../monotonic.ts';
import type { PulseLine } from '../processes/pulse.ts';
import type { World } from './world.ts';

/** How the whole is doing: what is completed, and how much waits. Times are monotonic ms. */
export interface Pulse {
  /** The most that was due or running at one time during the last seconds. */
  recentBacklog(): number;
  /** Resolves with the time of the first completion after `since`; null after `patienceMs`. */
  completionAfter(since: number, patienceMs: number): Promise<number | null>;
  /** Resolves with the first time after `since` when no more was due or running; null as above. */
  backlogBelow(limit: number, since: number, patienceMs: number): Promise<number | null>;
  stop(): Promise<void>;
}

const EVERY_MS = 100;
const RECENT_MS = 5_000;
const KEPT_MS = 180_000;

interface Sample {
  readonly at: number;
  readonly backlog: number;
}

export function startPulse(world: World): Pulse {
  const completions: number[] = [];
  const samples: Sample[] = [];
  const files = world.workers.map(({ name }) => tailOf(`${world.folder}/${name}.pulse.jsonl`));
  const over = new AbortController();

  async function take(): Promise<void> {
    for (const read of files) {
      for (const { at, outcome } of read()) if (outcome === 'completed') completions.push(at);
    }
    const backlog = await countBacklog(world).catch(() => null);
    const at = monotonicMs();
    if (backlog !== null) samples.push({ at, backlog });
    forget(completions, (each) => each < at - KEPT_MS);
    forget(samples, (each) => each.at < at - KEPT_MS);
  }

  async function run(): Promise<void> {
    while (!over.signal.aborted) {
      await take();
      await wait(EVERY_MS);
    }
  }

  async function until<Found>(look: () => Found | undefined, since: number, patienceMs: number) {
    while (!over.signal.aborted && monotonicMs() - since < patienceMs) {
      const found = look();
      if (found !== undefined) return found;
      await wait(EVERY_MS / 2);
    }
    return null;
  }

  const running = run();
  return {
    recentBacklog() {
      const from = monotonicMs() - RECENT_MS;
      return Math.max(0, ...samples.filter(({ at }) => at > from).map(({ backlog }) => backlog));
    },
    completionAfter: (since, patienceMs) =>
      until(
        () => {
          const later = completions.filter((at) => at > since);
          return later.length === 0 ? undefined : Math.min(...later);
        },
        since,
        patienceMs,
      ),
    backlogBelow: (limit, since, patienceMs) =>
      until(
        () => samples.find(({ at, backlog }) => at > since && backlog <= limit)?.at,
        since,
        patienceMs,
      ),
    async stop() {
      over.abort();
      await running;
    },
  };
}

/** Jobs that are due or running, those of paused queues left out. */
async function countBacklog({ admin }: World): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(
    `select count(*)::int as n from daybook.job_claims c join daybook.queues q on q.id = c.queue_id
     where c.lease_token is not null or (c.run_at <= statement_timestamp() and not q.paused)`,
  );
  return rows[0]?.n ?? 0;
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

function forget<Thing>(things: Thing[], isOld: (thing: Thing) => boolean): void {
  const kept = things.findIndex((thing) => !isOld(thing));
  if (kept > 0) things.splice(0, kept);
}
