import type { JobState } from '../../src/domain/job/state.ts';
import type { Names } from '../../src/store/names.ts';
import { readClaimRows, readDeadRows } from '../../src/store/statements/verify/read-job-rows.ts';
import { type JobRows, rowsOfJob } from '../../src/verify/job-rows.ts';
import type { TestDatabase } from './test-database.ts';

/** The rows that a folded job asks for, column by column; all but the fleeting `start_marked`. */
export async function rowsFromState(names: Names, state: JobState): Promise<JobRows> {
  const queues = await names.queueIds([state.queue]);
  const types = await names.typeIds([state.type]);
  return rowsOfJob(state, {
    tenantId: 1,
    queueId: (name) => queues.get(name) ?? null,
    typeId: (name) => types.get(name) ?? null,
  });
}

/** The rows that the tables have of a job, times in ms. */
export async function rowsInTables(db: TestDatabase, id: string): Promise<JobRows> {
  const range = { after: idBefore(id), upTo: id };
  const [claim = null] = await db.database.run(readClaimRows, range);
  const [dead = null] = await db.database.run(readDeadRows, range);
  return { claim, dead };
}

/** The id right below one. */
function idBefore(id: string): string {
  const number = BigInt(`0x${id.replaceAll('-', '')}`) - 1n;
  const hex = number.toString(16).padStart(32, '0');
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
}
