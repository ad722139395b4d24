import { describe, expect, it } from 'vitest';
import type { Consumer } from '../../../src/consumers/consumer.ts';
import type { Service } from '../../../src/kernel/service.ts';
import { submitMany } from '../../support/job-steps.ts';
import type { TestDatabase } from '../../support/test-database.ts';
import {
  controlOf,
  eachWithDatabase,
  countingProjection,
  eventually,
  notingConsumer,
  readCounting,
  readNoted,
  startConsumers,
} from './consumer-steps.ts';

let db: TestDatabase;
let services: Service[];
eachWithDatabase((...made) => {
  [db, services] = made;
});

async function start(...consumers: readonly Consumer[]): Promise<void> {
  services.push(await startConsumers(db, consumers));
}
async function stop(): Promise<void> {
  for (const service of services.splice(0)) await service.stop();
}
const of = async (name: string) =>
  (await controlOf(db, []).list()).filter((each) => each.name === name);
const hasRead = (name: string, position: bigint) =>
  eventually(async () => (await of(name)).map((each) => each.position)).toEqual([position]);

/** As a checkpoint stands that was kept while the log was restored to an older state. */
async function putAhead(name: string): Promise<void> {
  await db.database.pool.query(
    `update daybook.consumer_checkpoints set position = 1000, updated_at = now() where name = $1`,
    [name],
  );
}

const ahead = {
  position: 1000n,
  head: 11n,
  lagEvents: 0n,
  moving: false,
  failure: { name: 'CheckpointAhead', position: '1000' },
};

describe('a checkpoint ahead of the log', () => {
  it('is shown as a failure, also where nobody reads for the consumer', async () => {
    await start(countingProjection(1));
    await submitMany(db, 10);
    await hasRead('counting', 11n);
    await stop();
    await putAhead('counting');
    expect(await of('counting')).toMatchObject([{ ...ahead, halted: null }]);
  });

  it('of a read model has it built anew by itself', async () => {
    const counting = countingProjection(1);
    await start(counting);
    await submitMany(db, 10);
    await hasRead('counting', 11n);
    await stop();
    await db.database.pool.query('update daybook.counting_1 set n = 500');
    await putAhead('counting');
    await start(counting);
    await eventually(async () => (await of('counting')).map(({ build }) => build)).toEqual([2]);
    expect(await of('counting')).toMatchObject([{ halted: null, failure: null, moving: true }]);
    expect((await readCounting(db)).total).toBe(11);
    await submitMany(db, 10);
    await hasRead('counting', 21n);
    expect((await readCounting(db)).total).toBe(21);
  });

  it('of a read model leaves the old one to readers meanwhile, and says why it stands', async () => {
    const counting = countingProjection(1);
    await start(counting);
    await submitMany(db, 10);
    await hasRead('counting', 11n);
    await stop();
    await putAhead('counting');
    // A rebuild that never gets on: the event that it would begin with is too much for it.
    const slow = { ...counting, upkeep: () => ['select 1 / ($1 * 0) where $2 > 0'] };
    await start(slow);
    await eventually(async () => (await of('counting')).map(({ role }) => role)).toEqual([
      'live',
      'building',
    ]);
    expect((await of('counting'))[0]).toMatchObject({
      position: 11n,
      halted: 'failed',
      moving: false,
      failure: { name: 'CheckpointAhead', position: '1000' },
    });
    expect((await readCounting(db)).total).toBe(11);
  });

  it('of a reaction stops it, until an operator lets it go on from the end of the log', async () => {
    const noting = notingConsumer();
    await start(noting);
    await submitMany(db, 10);
    await hasRead('noting', 11n);
    await stop();
    await putAhead('noting');
    await start(noting);
    await eventually(async () => (await of('noting'))[0]?.halted).toBe('failed');
    expect(await of('noting')).toMatchObject([ahead]);
    // Growing past the checkpoint would have hidden what it had not seen.
    await submitMany(db, 5);
    await controlOf(db, [noting]).resume('noting');
    await submitMany(db, 5);
    await hasRead('noting', 21n);
    expect(await of('noting')).toMatchObject([{ halted: null, failure: null, moving: true }]);
    const noted = (await readNoted(db)).map(({ position }) => position);
    expect(noted.slice(0, 11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(noted.at(-1)).toBe(21);
  });

  it('of a read model that only a newer version knows is a failure here', async () => {
    await start(countingProjection(2));
    await submitMany(db, 10);
    await hasRead('counting', 11n);
    await stop();
    await putAhead('counting');
    await start(countingProjection(1));
    await eventually(async () => (await of('counting'))[0]?.halted).toBe('failed');
    expect(await of('counting')).toMatchObject([{ ...ahead, role: 'live' }]);
  });
});
