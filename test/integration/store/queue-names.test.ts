import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventTypeCodes } from '../../../src/domain/event-types.ts';
import { createNames } from '../../../src/store/names.ts';
import { sequenceAll, wholeLog } from '../../support/log-steps.ts';
import { untilWaiting } from '../../support/postgres-activity.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ poolSize: 20 });
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.database.pool.query(`truncate ${db.schema}.queues cascade`);
});

const count = async () => {
  const { rows } = await db.database.pool.query<{ count: number }>(
    `select count(*)::int as count from ${db.schema}.queues`,
  );
  return rows[0]?.count;
};

describe('a queue', () => {
  it('is created once by many processes at the same moment, with one event', async () => {
    const found = await Promise.all(
      Array.from({ length: 10 }, () => createNames(db.database, 1).queueIds(['twins', 'other'])),
    );
    expect(new Set(found.map((ids) => ids.get('twins'))).size).toBe(1);
    expect(await count()).toBe(2);
    await sequenceAll(db.database);
    const events = await wholeLog(db.database);
    expect(events.map(({ version, type }) => [version, type])).toEqual([
      [1, eventTypeCodes.QueueCreated],
      [1, eventTypeCodes.QueueCreated],
    ]);
    expect(events.map(({ queue }) => queue).toSorted()).toEqual(['other', 'twins']);
  });

  it('is asked for anew once names were forgotten, as in a new epoch', async () => {
    const names = createNames(db.database, 1);
    const before = (await names.queueIds(['mine'])).get('mine') ?? 0;
    // As if the number had been lost with the tail of the log, and another one been given.
    await db.database.pool.query(`update ${db.schema}.queues set id = id + 1000`);
    expect((await names.queueIds(['mine'])).get('mine')).toBe(before);
    names.forget();
    expect((await names.queueIds(['mine'])).get('mine')).toBe(before + 1_000);
  });

  it('that is there costs no number when it is asked for again', async () => {
    const first = (await createNames(db.database, 1).queueIds(['a'])).get('a') ?? 0;
    for (let round = 0; round < 5; round += 1) await createNames(db.database, 1).queueIds(['a']);
    expect((await createNames(db.database, 1).queueIds(['b'])).get('b')).toBe(first + 1);
  });

  it('is not created by being read', async () => {
    await expect(createNames(db.database, 1).queueId('unknown')).rejects.toMatchObject({
      code: 'queue-not-found',
    });
    expect(await count()).toBe(0);
  });

  it.each(['', 'A', 'a b', 'ä', 'a'.repeat(65), "a'; --"])(
    'cannot be called "%s"',
    async (name) => {
      const names = createNames(db.database, 1);
      await expect(names.queueIds(['good', name])).rejects.toMatchObject({
        code: 'invalid-request',
      });
      await expect(names.typeIds([name])).rejects.toMatchObject({ code: 'invalid-request' });
      expect(await count()).toBe(0);
    },
  );
});

describe('the limit of types', () => {
  it('is told, and nothing of the request is created, also for many at the same moment', async () => {
    const types = async () => {
      const { rows } = await db.database.pool.query<{ count: number }>(
        `select count(*)::int as count from ${db.schema}.job_types`,
      );
      return rows[0]?.count;
    };
    const names = createNames(db.database, 1);
    await names.typeIds(Array.from({ length: 9_997 }, (_, index) => `type-${index}`));
    await expect(names.typeIds(['a', 'b', 'c', 'd'])).rejects.toMatchObject({
      code: 'too-many-types',
    });
    expect(await types()).toBe(9_997);
    const keeper = await db.connect();
    await keeper.query('begin');
    await keeper.query('select from tenants where id = 1 for update');
    const creating = Array.from({ length: 8 }, (_, index) =>
      createNames(db.database, 1).typeIds([`late-${index}`]),
    );
    const done = Promise.allSettled(creating);
    await untilWaiting(db, 'daybook:', 8);
    await keeper.query('commit');
    expect((await done).filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await types()).toBe(10_000);
    const warmed = createNames(db.database, 1);
    await warmed.warm();
    expect((await warmed.typeIds(['type-1', 'type-9996'])).size).toBe(10_000);
    await db.database.pool.query(`truncate ${db.schema}.job_types cascade`);
  });
});

describe('the limit of queues', () => {
  it('is told, and nothing of the request is created', async () => {
    const names = createNames(db.database, 1);
    await names.queueIds(Array.from({ length: 999 }, (_, index) => `queue-${index}`));
    await expect(names.queueIds(['one-more', 'too-many'])).rejects.toMatchObject({
      code: 'too-many-queues',
    });
    expect(await count()).toBe(999);
    await names.queueIds(['one-more']);
    await expect(names.queueIds(['too-many'])).rejects.toMatchObject({ code: 'too-many-queues' });
  });

  it('holds for many that create queues at the same moment', async () => {
    const known = Array.from({ length: 997 }, (_, index) => `queue-${index}`);
    await createNames(db.database, 1).queueIds(known);
    const keeper = await db.connect();
    await keeper.query('begin');
    await keeper.query('select from tenants where id = 1 for update');
    const creating = Array.from({ length: 8 }, (_, index) =>
      createNames(db.database, 1).queueIds([`late-${index}`]),
    );
    const done = Promise.allSettled(creating);
    await untilWaiting(db, 'daybook:', 8);
    await keeper.query('commit');
    expect((await done).filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await count()).toBe(1_000);
  });
});
