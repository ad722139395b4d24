import { type Clock, systemClock } from '../../kernel/clock.ts';
import type { Database } from '../../store/database.ts';
import { identify } from '../../store/epoch/new-epoch.ts';
import { readSettings } from '../../store/statements/doctor/read-settings.ts';
import type { Finding } from '../finding.ts';

const WAIT_MS = 3_000;
const AGAIN_MS = 100;

/**
 * Whether hints reach other processes, and whether the direct connection leads to the same database.
 * @param direct what processes LISTEN on
 */
export async function checkWakeUp(
  database: Database,
  direct: Database,
  clock: Clock = systemClock,
): Promise<Finding[]> {
  if ((await placeOf(database)) !== (await placeOf(direct))) {
    const message = 'DATABASE_DIRECT_URL leads to another database than DATABASE_URL';
    const advice = 'Name the same database in both.';
    return [{ check: 'wake-up', level: 'wrong', message, advice }];
  }
  if (await hintsArrive(direct, clock)) {
    return [{ check: 'wake-up', level: 'fine', message: 'hints arrive' }];
  }
  const message = 'hints do not arrive: work is found by polling only, some 500 ms later';
  const advice = 'Where a transaction pooler is in between, set DATABASE_DIRECT_URL.';
  return [{ check: 'wake-up', level: 'risky', message, advice }];
}

async function placeOf(database: Pick<Database, 'run'>): Promise<string> {
  const [row] = await database.run(readSettings, { names: [] });
  const { system_identifier: server } = await identify(database);
  return `${server} ${row?.database}`;
}

/** Listens on one connection and speaks on others, on a channel on which nobody else listens. */
async function hintsArrive({ pool, schema }: Database, clock: Clock): Promise<boolean> {
  const channel = `daybook_doctor_${schema}`;
  const heard = new AbortController();
  const listener = await pool.connect();
  listener.on('notification', () => heard.abort());
  try {
    await listener.query(`listen "${channel}"`);
    const until = clock.elapsedMs() + WAIT_MS;
    while (!heard.signal.aborted && clock.elapsedMs() < until) {
      await pool.query('select pg_notify($1, $2)', [channel, '']);
      await clock.sleep(AGAIN_MS, heard.signal);
    }
    // A pooler gives the connection to others.
    await listener.query(`unlisten "${channel}"`);
  } finally {
    listener.release(true);
  }
  return heard.signal.aborted;
}
