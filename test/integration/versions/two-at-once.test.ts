import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as present from '../../../src/daybook.ts';
import type { Daybook } from '../../../src/daybook.ts';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { loadVersion, recordedVersions } from '../../support/recorded-version.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { makeLaterVersion } from './later-version.ts';

/** The older version makes its tables here: the other schema of the database is of this version. */
const schema = 'older';

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

/** A process of one version: it works a queue, and submits jobs for all who do. */
interface VersionProcess {
  readonly daybook: Daybook;
  /** Whose jobs were done by whom, such as `old by new`. */
  readonly done: Set<string>;
  readonly submitted: string[];
  readonly troubles: unknown[];
  /** Ends the load, once all that it submitted has ended. */
  stopLoad(): Promise<void>;
}

async function startVersion(
  db: TestDatabase,
  name: 'old' | 'new',
  { openDaybook, defineJob }: Pick<typeof present, 'openDaybook' | 'defineJob'>,
): Promise<VersionProcess> {
  const troubles: unknown[] = [];
  const note = defineJob({ type: 'note', payload: z.unknown(), handler: () => name });
  const daybook = await openDaybook({
    connectionString: db.connectionString,
    directConnectionString: db.directConnectionString,
    schema,
    migrate: true,
    jobs: [note],
    observer: { ...silentObserver, warn: (...warning) => void troubles.push(warning) },
    caretaker: { expiryMs: 200 },
  });
  closings.push(() => daybook.close());
  await daybook.worker({ name, pollMs: 20, concurrency: 4 }).start();
  const done = new Set<string>();
  const submitted: string[] = [];
  const ending = new AbortController();
  const load = (async () => {
    while (!ending.signal.aborted) {
      const jobs = await daybook.submitMany([{ type: 'note' }, { type: 'note' }]);
      submitted.push(...jobs.map(({ id }) => id));
      for (const { id } of jobs) {
        const { result } = await daybook.waitFor(id);
        done.add(`${name} by ${String(result)}`);
      }
    }
  })().catch((error: unknown) => {
    troubles.push(error);
  });
  const stopLoad = async () => {
    ending.abort();
    await load;
  };
  closings.push(stopLoad);
  return { daybook, done, submitted, troubles, stopLoad };
}

const versions = await recordedVersions();

describe.each(versions)('processes of version %s', (version) => {
  it('go on while the schema is migrated, and beside processes of this version', async () => {
    const db = await createTestDatabase();
    closings.push(() => db.drop());
    const old = await startVersion(db, 'old', await loadVersion(version));
    await expectSoon(() => [...old.done]).toEqual(['old by old']);

    const later = await makeLaterVersion();
    closings.push(() => later.remove());
    const connection = { connectionString: db.directConnectionString };
    expect(await migrate({ connection, schema, folder: later.folder })).toContain(later.name);
    const before = old.submitted.length;
    const young = await startVersion(db, 'new', present);
    const handedOver = () => [...old.done, ...young.done].toSorted();
    await expectSoon(handedOver).toEqual(['new by new', 'new by old', 'old by new', 'old by old']);
    await expectSoon(() => old.submitted.length).toBeGreaterThan(before + 20);

    await Promise.all([old.stopLoad(), young.stopLoad()]);
    expect([...old.troubles, ...young.troubles]).toEqual([]);
    const { rows } = await db.database.pool.query<{ stories: string[]; jobs: number }>(
      `with story as (
         select e.stream_id, string_agg(t.name, ' ' order by e.version) as told
         from (select stream_id, version, type from ${schema}.events
               union all select stream_id, version, type from ${schema}.event_inbox) e
         join ${schema}.event_types t on t.code = e.type
         where t.name like 'Job%' group by e.stream_id)
       select array_agg(distinct told) as stories, count(*)::int as jobs from story`,
    );
    const jobs = old.submitted.length + young.submitted.length;
    expect(rows).toEqual([{ stories: ['JobSubmitted JobClaimed JobCompleted'], jobs }]);
    for (const { daybook } of [young, old]) {
      expect(await daybook.verify()).toMatchObject({ equal: true, differences: [] });
    }
  });
});

describe('a table that others hold', () => {
  const alter = `-- Up Migration
    alter table job_claims add column later text;`;
  /** Somebody reads a table and does not end the transaction. */
  async function holdTable(db: TestDatabase) {
    const holder = await db.connect();
    await holder.query('begin; select from job_claims limit 1');
    return { letGo: () => holder.query('commit') };
  }
  async function setUp() {
    const db = await createTestDatabase();
    closings.push(() => db.drop());
    const later = await makeLaterVersion(alter);
    closings.push(() => later.remove());
    const connection = { connectionString: db.directConnectionString };
    const options = { connection, schema: 'daybook', folder: later.folder, lockTimeoutMs: 50 };
    const daybook = await present.openDaybook({ connectionString: db.connectionString });
    closings.push(() => daybook.close());
    return { db, daybook, options, name: later.name };
  }

  it('is waited for without standing in the way of others for longer than a moment', async () => {
    const { db, daybook, options, name } = await setUp();
    const { letGo } = await holdTable(db);
    let migrated: string[] | null = null;
    const migrating = migrate(options).then((names) => {
      migrated = names;
    });
    // These would queue behind a migration that waits until it has the table.
    for (let n = 0; n < 20; n += 1) await daybook.submit({ type: 'x' });
    expect(migrated).toBeNull();
    await letGo();
    await migrating;
    expect(migrated).toEqual([name]);
  });

  it('for too long ends the migration, of which nothing stays', async () => {
    const { db, options, name } = await setUp();
    const { letGo } = await holdTable(db);
    await expect(migrate({ ...options, patienceMs: 100 })).rejects.toMatchObject({
      code: 'migration-failed',
      message: expect.stringContaining('held by others for 100 ms') as string,
    });
    await letGo();
    expect(await migrate(options)).toEqual([name]);
  });
});
