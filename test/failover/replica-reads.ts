import { setTimeout as wait } from 'node:timers/promises';
import type { Acknowledged } from './submissions.ts';

/** What a replica answered to who asked for a job by the token of its submission. */
export interface ReplicaReads {
  /** It was there, */
  seen: number;
  /** the replica said that it was not as far (or not to be reached), and that one should ask again, */
  behind: number;
  /** it said that the write is lost, */
  gone: number;
  /** or it answered without it: a lie. */
  wrong: number;
}

/** So often somebody asks again for a job, until they ask for another one. */
const PATIENCE = 10;

/** Asks the replica for the newest job until it is there, and then for the next, until the signal aborts. */
export async function readFromReplica(
  url: string,
  newest: () => Acknowledged | undefined,
  signal: AbortSignal,
): Promise<ReplicaReads> {
  const reads: ReplicaReads = { seen: 0, behind: 0, gone: 0, wrong: 0 };
  while (!signal.aborted) {
    const asked = newest();
    if (asked !== undefined) {
      for (let n = 0; n < PATIENCE && !signal.aborted; n += 1) {
        const answer = await readOne(url, asked);
        reads[answer] += 1;
        if (answer !== 'behind') break;
      }
    }
    await wait(5);
  }
  return reads;
}

async function readOne(url: string, { id, token, tag }: Acknowledged): Promise<keyof ReplicaReads> {
  try {
    const answer = await fetch(`${url}/v1/jobs?tag=${tag}&after=${token}`, {
      signal: AbortSignal.timeout(30_000),
    });
    const { data = [], code } = (await answer.json()) as { data?: { id: string }[]; code?: string };
    if (answer.status === 503) return 'behind';
    if (code === 'write-lost') return 'gone';
    return answer.status === 200 && data.some((job) => job.id === id) ? 'seen' : 'wrong';
  } catch {
    // Not answered, and so nothing wrong was said.
    return 'behind';
  }
}
