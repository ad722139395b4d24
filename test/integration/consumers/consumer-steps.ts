import { afterEach, beforeEach, expect } from 'vitest';
import { createConsumerControl } from '../../../src/consumers/consumer-control.ts';
import type { Consumer, EventConsumer, Projection } from '../../../src/consumers/consumer.ts';
import { prepareConsumers } from '../../../src/consumers/builds/prepare-consumers.ts';
import { createProjector } from '../../../src/consumers/projector.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { Service } from '../../../src/kernel/service.ts';
import {
  createTestDatabase,
  newId,
  type TestDatabase,
  type TestProcess,
} from '../../support/test-database.ts';

/** A database of its own for each test, and a list of what is stopped after it, handed over before it. */
export function eachWithDatabase(use: (db: TestDatabase, services: Service[]) => void): void {
  let db: TestDatabase;
  let services: Service[];
  beforeEach(async () => {
    db = await createTestDatabase({ sequencer: true });
    services = [];
    use(db, services);
  });
  afterEach(async () => {
    for (const service of services) await service.stop();
    await db.drop();
  });
}

/** Retries an assertion: everything here happens soon, on a busy machine a little later. */
export function eventually<Value>(read: () => Value | Promise<Value>) {
  return expect.poll(read, { interval: 20 });
}

/** Makes what consumers need and reads for them; stopped by the test. */
export async function startConsumers(
  process: TestProcess,
  consumers: readonly Consumer[],
): Promise<Service> {
  const { database, wakeUp, context } = process;
  const { observer } = context;
  await prepareConsumers(database, consumers, observer);
  const clock = systemClock;
  const holder = newId();
  const common = { database, wakeUp, holder, observer, clock, random: Math.random };
  const projector = createProjector({ ...common, consumers });
  await projector.start();
  return projector;
}

export function controlOf(process: TestProcess, consumers: readonly Consumer[]) {
  return createConsumerControl(process.database, process.wakeUp, consumers);
}

/** Counts events per type of event; version 2 counts them twice, and has a column more. */
export function countingProjection(version: number): Projection {
  const more = version > 1 ? ', note text' : '';
  return {
    name: 'counting',
    version,
    tables: [
      {
        name: 'counting',
        create: (table, prefix) => [
          `create table ${table} (type smallint not null, n bigint not null${more},
           constraint ${prefix}_pkey primary key (type))`,
        ],
      },
    ],
    upkeep: ({ schema, table }) => [
      `insert into ${table('counting')} as c (type, n)
       select e.type, count(*) * ${version} from ${schema}.events e
       where e.position > $1 and e.position <= $2 group by e.type order by e.type
       on conflict (type) do update set n = c.n + excluded.n`,
    ],
  };
}

/** What readers of `counting` find: the sum over all types, and the version that this belongs to. */
export async function readCounting(
  db: TestDatabase,
): Promise<{ total: number; columns: readonly string[] }> {
  const { rows, fields } = await db.database.pool.query<{ n: string }>(
    `select * from ${db.schema}.counting`,
  );
  const total = rows.reduce((sum, { n }) => sum + Number(n), 0);
  return { total, columns: fields.map(({ name }) => name) };
}

/** A consumer that writes down what it handled, in the transaction that moves its checkpoint. */
export function notingConsumer(
  options: Partial<EventConsumer> & { readonly fails?: (position: bigint) => boolean } = {},
): EventConsumer {
  const { fails, ...rest } = options;
  return {
    name: 'noting',
    version: 1,
    async prepare(client) {
      await client.query(
        `create table if not exists daybook.noted
         (position bigint, stream_id uuid, type text, replaying boolean)`,
      );
    },
    async handle(events, { client, replaying }) {
      for (const { position, streamId, type } of events) {
        await client.query('insert into daybook.noted values ($1, $2, $3, $4)', [
          position,
          streamId,
          type,
          replaying,
        ]);
        if (fails?.(position ?? 0n) === true) throw new Error(`cannot take ${position}`);
      }
    },
    ...rest,
  };
}

export async function readNoted(
  db: TestDatabase,
): Promise<{ position: number; stream_id: string; type: string; replaying: boolean }[]> {
  const { rows } = await db.database.pool.query(
    'select position::int, stream_id, type, replaying from daybook.noted order by position, replaying',
  );
  return rows;
}
