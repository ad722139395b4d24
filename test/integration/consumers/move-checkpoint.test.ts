import { afterAll, beforeAll, expect, it } from 'vitest';
import { moveCheckpoint } from '../../../src/consumers/statements/move-checkpoint.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await openTestDaybook();
  await daybook.submit({ type: 'note' });
  await daybook.db.database.pool.query(
    `insert into daybook.consumer_checkpoints (name, version, build, role, position, begun_at, updated_at)
     values ('mine', 1, 1, 'live', 0, now(), now())`,
  );
});
afterAll(() => daybook.close());

const move = async (after: bigint, upTo: bigint, epoch?: number) => {
  const common = { name: 'mine', build: 1, busyMs: 0, after, upTo };
  const { database } = daybook.db;
  const rows = await database.run(
    moveCheckpoint,
    epoch === undefined ? common : { ...common, epoch },
  );
  return rows.map(({ position }) => position);
};

it('goes no further than the log, which may have lost its end since it was read', async () => {
  expect(await move(0n, 1_000n)).toEqual([]);
  await expect.poll(() => move(0n, 1n)).toEqual([1n]);
});

it('goes nowhere in another log than that which was read', async () => {
  expect(await move(1n, 2n, 7)).toEqual([]);
  await expect.poll(() => move(1n, 2n, 1)).toEqual([2n]);
});

it('goes on from where it stands', async () => {
  expect(await move(0n, 2n)).toEqual([]);
});
