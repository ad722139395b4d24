import { describe, expect, it } from 'vitest';
import type { EventConsumer } from '../../../src/consumers/consumer.ts';
import type { Service } from '../../../src/kernel/service.ts';
import { claim, submitMany, submitOne } from '../../support/job-steps.ts';
import type { TestDatabase } from '../../support/test-database.ts';
import {
  controlOf,
  eachWithDatabase,
  eventually,
  notingConsumer,
  readNoted,
  startConsumers,
} from './consumer-steps.ts';

let db: TestDatabase;
let services: Service[];
eachWithDatabase((...made) => {
  [db, services] = made;
});

async function start(
  consumer: EventConsumer,
  process = db as Parameters<typeof startConsumers>[0],
) {
  const service = await startConsumers(process, [consumer]);
  services.push(service);
  return controlOf(db, [consumer]);
}
const lagOf = async (name = 'noting') =>
  (await controlOf(db, []).list()).find((each) => each.name === name);
/** Waits until the consumer has read up to this position, the last of the log. */
const hasRead = (position: bigint) =>
  eventually(async () => (await lagOf())?.position).toBe(position);

describe('a consumer in TypeScript', () => {
  it('gets every event of its types once, in order, beside a second process', async () => {
    const consumer = notingConsumer({ types: ['JobSubmitted'] });
    await start(consumer);
    await start(consumer, await db.anotherProcess());
    for (let round = 0; round < 10; round += 1) await submitMany(db, 10);
    await hasRead(101n);
    const noted = await readNoted(db);
    expect(noted.map(({ position }) => position)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 2),
    );
    expect(noted.some(({ replaying }) => replaying)).toBe(false);
  });

  it('may begin with what happens from now on', async () => {
    await submitMany(db, 5);
    await eventually(async () => {
      const { rows } = await db.database.pool.query('select position from daybook.log_head');
      return rows[0].position;
    }).toBe('6');
    await start(notingConsumer({ from: 'now' }));
    await submitMany(db, 1);
    await hasRead(7n);
    expect((await readNoted(db)).map(({ position }) => position)).toEqual([7]);
  });

  it('of a new version gets everything again, marked as replayed, and then goes on', async () => {
    await start(notingConsumer());
    await submitMany(db, 5);
    await hasRead(6n);
    await services.pop()?.stop();
    await start(notingConsumer({ version: 2 }));
    await eventually(async () => (await lagOf())?.version).toBe(2);
    await submitMany(db, 1);
    await hasRead(7n);
    const again = (await readNoted(db)).map(({ position, replaying }) => [position, replaying]);
    expect(again).toEqual([
      ...[1, 2, 3, 4, 5, 6].flatMap((position) => [
        [position, false],
        [position, true],
      ]),
      [7, false],
    ]);
  });
});

describe('an event that a handler cannot take', () => {
  it('stops the consumer there, until an operator resumes it', async () => {
    let mended = false;
    const control = await start(notingConsumer({ fails: (at) => at === 4n && !mended }));
    await submitMany(db, 9);
    await eventually(async () => (await lagOf())?.halted).toBe('failed');
    expect(await lagOf()).toMatchObject({
      position: 3n,
      failure: { position: '4', message: 'cannot take 4' },
    });
    expect((await readNoted(db)).map(({ position }) => position)).toEqual([1, 2, 3]);
    mended = true;
    await control.resume('noting');
    await hasRead(10n);
    expect((await readNoted(db)).map(({ position }) => position)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });

  it('is parked with the later ones of its stream, while the others go on; and tried again', async () => {
    let mended = false;
    const fails = (at: bigint) => at === 2n && !mended;
    const control = await start(notingConsumer({ onPoison: 'park', fails }));
    const poisoned = await submitOne(db);
    const healthy = await submitOne(db);
    const jobs = await claim(db, await db.openSession());
    expect(jobs.map(({ id }) => id)).toEqual([poisoned, healthy]);
    await hasRead(5n);
    expect((await readNoted(db)).map(({ stream_id: id, type }) => [id === poisoned, type])).toEqual(
      [
        [false, 'QueueCreated'],
        [false, 'JobSubmitted'],
        [false, 'JobClaimed'],
      ],
    );
    const parked = await control.parked('noting', 0n, 10);
    expect(
      parked.map(({ position, streamId, state, attempts }) => [
        position,
        streamId,
        state,
        attempts,
      ]),
    ).toEqual([
      [2n, poisoned, 'parked', 3],
      [4n, poisoned, 'parked', 0],
    ]);
    expect(parked[0]?.error).toMatchObject({ message: 'cannot take 2' });
    // Tried again in vain: it is parked as before.
    await control.retryParked('noting', poisoned);
    await eventually(async () => (await control.parked('noting', 0n, 10))[0]).toMatchObject({
      state: 'parked',
      attempts: 4,
    });
    mended = true;
    await control.retryParked('noting', poisoned);
    await eventually(() => control.parked('noting', 0n, 10)).toEqual([]);
    const noted = await readNoted(db);
    expect(noted.filter((each) => each.stream_id === poisoned).map(({ type }) => type)).toEqual([
      'JobSubmitted',
      'JobClaimed',
    ]);
  });

  it('is given up by an operator, and those behind it are handled', async () => {
    const control = await start(notingConsumer({ onPoison: 'park', fails: (at) => at === 2n }));
    const poisoned = await submitOne(db);
    await claim(db, await db.openSession());
    await hasRead(3n);
    await control.skipParked('noting', poisoned);
    await eventually(async () => (await readNoted(db)).map(({ type }) => type)).toEqual([
      'QueueCreated',
      'JobClaimed',
    ]);
    expect((await control.parked('noting', 0n, 10)).map(({ state }) => state)).toEqual(['skipped']);
    await expect(control.skipParked('noting', poisoned)).rejects.toMatchObject({
      code: 'consumer-not-found',
    });
  });

  it('is left out and noted, where the policy is to skip', async () => {
    const control = await start(notingConsumer({ onPoison: 'skip', fails: (at) => at === 3n }));
    await submitMany(db, 3);
    await hasRead(4n);
    expect((await readNoted(db)).map(({ position }) => position)).toEqual([1, 2, 4]);
    expect(await control.parked('noting', 0n, 10)).toMatchObject([
      { position: 3n, state: 'skipped' },
    ]);
  });
});
