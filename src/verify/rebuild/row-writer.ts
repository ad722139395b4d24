import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { evolveJob } from '../../domain/job/evolve.ts';
import type { JobState } from '../../domain/job/state.ts';
import type { Executor } from '../../store/statement.ts';
import {
  deleteJobRows,
  insertClaimRows,
  insertDeadRows,
} from '../../store/statements/rebuild/replace-job-rows.ts';
import { rowsOfJob } from '../job-rows.ts';
import { isQueueEvent } from '../streams/judge-stream.ts';
import type { NameDirectory } from '../name-directory.ts';
import { firstId, lastId, type StreamEvent } from '../stream-pages.ts';

type Row = Readonly<Record<string, unknown>>;

/** Folds streams, and writes the rows that they ask for in place of those that are there. */
export interface RowWriter {
  /** Takes the next event, in the order of streams and versions. */
  add(event: StreamEvent): void;
  /** Writes what is gathered, where it is much. @param last nothing more will come */
  flush(last: boolean): Promise<void>;
  readonly claims: number;
  readonly dead: number;
  /** Streams that could not be folded. */
  readonly unreadable: readonly string[];
  /** Rows that were written without their unique key, because another one holds it. */
  readonly keyless: readonly { readonly id: string; readonly key: string }[];
}

interface OpenStream {
  readonly id: string;
  readonly tenantId: number | null;
  job: JobState | null;
  sound: boolean;
}

export function createRowWriter(
  tx: Executor,
  directory: NameDirectory,
  rowsPerStatement: number,
): RowWriter {
  let open: OpenStream | null = null;
  let claimRows: Row[] = [];
  let deadRows: Row[] = [];
  let writtenTo = firstId;
  let endedAt = firstId;
  const count = { claims: 0, dead: 0 };
  const unreadable: string[] = [];
  const keyless: { id: string; key: string }[] = [];

  const end = () => {
    if (open === null) return;
    const { id, tenantId, job, sound } = open;
    if (!sound) unreadable.push(id);
    else if (job !== null) {
      const { claim, dead } = rowsOfJob(job, directory.idsOf(tenantId));
      if (claim !== null) claimRows.push(withTimes(claim));
      if (dead !== null) deadRows.push(withTimes(dead));
    }
    endedAt = id;
    open = null;
  };

  async function write(upTo: string): Promise<void> {
    await tx.run(deleteJobRows, { after: writtenTo, upTo, except: unreadable });
    const inserted = await tx.run(insertClaimRows, { rows: claimRows });
    if (inserted.length < claimRows.length) {
      const there = new Set(inserted.map(({ id }) => id));
      const left = claimRows.filter((row) => !there.has(row['id'] as string));
      for (const row of left) {
        keyless.push({ id: row['id'] as string, key: row['unique_key'] as string });
      }
      await tx.run(insertClaimRows, { rows: left.map((row) => ({ ...row, unique_key: null })) });
    }
    await tx.run(insertDeadRows, { rows: deadRows });
    count.claims += claimRows.length;
    count.dead += deadRows.length;
    claimRows = [];
    deadRows = [];
    writtenTo = upTo;
  }

  return {
    unreadable,
    keyless,
    get claims() {
      return count.claims;
    },
    get dead() {
      return count.dead;
    },
    add({ row, event }) {
      if (open !== null && open.id !== row.stream_id) end();
      open ??= { id: row.stream_id, tenantId: row.tenant_id, job: null, sound: true };
      if (event === undefined) open.sound = false;
      else if (!isQueueEvent(event)) fold(open, event);
    },
    async flush(last) {
      if (last) end();
      if (last || claimRows.length + deadRows.length >= rowsPerStatement) {
        await write(last ? lastId : endedAt);
      }
    },
  };
}

function fold(stream: OpenStream, event: RecordedJobEvent): void {
  if (!stream.sound) return;
  try {
    stream.job = evolveJob(stream.job, event);
  } catch {
    // Versions with a gap, or no birth: verify says which.
    stream.sound = false;
  }
}

const timeColumns = ['run_at', 'submitted_at', 'claimed_at', 'died_at'];

/** Times as texts: a double holds no ms in the year 9999. */
function withTimes(row: Row): Row {
  const times = timeColumns
    .filter((column) => typeof row[column] === 'number')
    .map((column) => [column, new Date(row[column] as number).toISOString()]);
  return { ...row, ...(Object.fromEntries(times) as Row) };
}
