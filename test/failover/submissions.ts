import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';

/** A submission that was answered with 201. */
export interface Acknowledged {
  readonly id: string;
  /** By which others read what was written. */
  readonly token: string;
  /** A tag that no other job has. */
  readonly tag: string;
}

/** Callers that submit jobs one after the other. */
export interface Submissions {
  readonly acknowledged: readonly Acknowledged[];
  /** Refused, or not answered. */
  readonly refused: number;
  /** Resolves with the next submission that is begun from now on and acknowledged. */
  next(): Promise<void>;
  /** Submits until `stop`. */
  run(url: string): Promise<void>;
  stop(): void;
}

/** @param patienceMs how long `next` waits */
export function createSubmissions(patienceMs: number): Submissions {
  const acknowledged: Acknowledged[] = [];
  let refused = 0;
  const end = new AbortController();
  let waiting: (() => void)[] = [];
  return {
    acknowledged,
    get refused() {
      return refused;
    },
    stop() {
      end.abort();
    },
    next: () =>
      new Promise<void>((resolve, reject) => {
        waiting.push(resolve);
        const late = new Error(`No submission was acknowledged for ${patienceMs} ms.`);
        setTimeout(() => reject(late), patienceMs).unref();
      }),
    async run(url) {
      while (!end.signal.aborted) {
        const told = waiting;
        const done = await submit(url);
        if (done === undefined) {
          refused += 1;
          await wait(20);
          continue;
        }
        acknowledged.push(done);
        // Those who came to wait meanwhile wait for another one.
        if (told.length > 0 && told === waiting) {
          waiting = [];
          for (const tell of told) tell();
        }
      }
    },
  };
}

async function submit(url: string): Promise<Acknowledged | undefined> {
  const tag = randomUUID();
  try {
    const answer = await fetch(`${url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'echo', payload: { some: 'thing' }, tags: [tag] }),
      signal: AbortSignal.timeout(30_000),
    });
    const { job, token = '' } = (await answer.json()) as { job?: { id: string }; token?: string };
    return answer.status === 201 && job !== undefined ? { id: job.id, token, tag } : undefined;
  } catch {
    // Nobody knows what became of it: it was not acknowledged.
    return undefined;
  }
}
