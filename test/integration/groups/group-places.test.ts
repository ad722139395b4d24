import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentObserver } from '../../../src/kernel/observer.ts';
import { submitMany } from '../../support/job-steps.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { controlOf, endPauses, makeJobs, memberOf, said } from './group-steps.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const query = (sql: string, values: readonly unknown[] = []) =>
  db.database.pool.query(sql.replaceAll('$s', db.schema), [...values]);

/** Puts events that nobody wants into the log, as quickly as can be. */
async function pad(events: number): Promise<void> {
  await query(
    `insert into $s.events (position, occurred_at, stream_id, version, queue_id, epoch, type,
       schema_version)
     select h.position + n, now(), gen_random_uuid(), 1, 1, h.epoch, 34, 1
     from $s.log_head h, generate_series(1, $1::int) n`,
    [events],
  );
  await query('update $s.log_head set position = position + $1', [events]);
}

describe('a subscription that few events fit', () => {
  it('gets on over those that do not, and writes down only now and then that it does', async () => {
    const control = controlOf(db);
    await control.put('sparse', { filter: { queues: ['rare'] } });
    const member = memberOf(control, 'sparse');
    await makeJobs(db, 1);
    await pad(45_000);
    const ids = await makeJobs(db, 2, { queue: 'rare' });
    const places: bigint[] = [];
    for (let looks = 1; ; looks += 1) {
      const { deliveries, again, caughtUp } = await member.look();
      const { readPosition, position, head } = await control.get('sparse');
      expect(readPosition > (places.at(-1) ?? -1n)).toBe(true);
      places.push(readPosition);
      if (deliveries.length === 0) {
        expect({ again, caughtUp, position }).toMatchObject({
          again: true,
          position: readPosition,
        });
        continue;
      }
      expect(looks).toBe(3);
      expect([caughtUp, readPosition]).toEqual([true, head]);
      expect(said(deliveries, ids)).toEqual([
        '-1 QueueCreated',
        '0 JobSubmitted',
        '1 JobSubmitted',
      ]);
      await member.answer('ack', deliveries);
      break;
    }
    await member.answer('ack', await member.take());
    await member.look();
    // As if it had just been written down, however slow this machine is.
    await query("update $s.subscriptions set moved_at = now() + interval '1 hour'");
    const { tick } = await stored('sparse');
    for (let events = 0; events < 3; events += 1) {
      await pad(1);
      expect(await member.look()).toMatchObject({ deliveries: [], caughtUp: true });
    }
    expect((await stored('sparse')).tick).toBe(tick);
    await query("update $s.subscriptions set moved_at = now() - interval '2 s'");
    await member.look();
    expect((await stored('sparse')).tick).toBe(tick + 1n);
  });

  it('reads by each field of its filter', async () => {
    const control = controlOf(db);
    const [a] = await submitMany(db, 1, { queue: 'fields', tags: ['red'], correlationId: 'c-1' });
    const [b] = await submitMany(db, 1, { queue: 'fields', type: 'other', tags: ['blue', 'big'] });
    await sequenceAll(db.database);
    const ids = [a, b] as string[];
    const filters = {
      tags: { tags: ['big', 'green'] },
      correlations: { correlations: ['c-1'] },
      types: { jobTypes: ['other'] },
      jobs: { jobs: [ids[0] as string] },
      both: { queues: ['fields'], eventTypes: ['JobSubmitted'] as const },
      none: { queues: ['fields'], tags: ['green'] },
    };
    const found: Record<string, string[]> = {};
    for (const [name, filter] of Object.entries(filters)) {
      await control.put(name, { filter, startFrom: 'beginning' });
      const member = memberOf(control, name);
      let look = await member.look();
      while (look.deliveries.length === 0 && look.again) look = await member.look();
      found[name] = said(look.deliveries, ids);
    }
    expect(found).toEqual({
      tags: ['1 JobSubmitted'],
      correlations: ['0 JobSubmitted'],
      types: ['1 JobSubmitted'],
      jobs: ['0 JobSubmitted'],
      both: ['0 JobSubmitted', '1 JobSubmitted'],
      none: [],
    });
  });
});

describe('an event that only a newer version knows', () => {
  it('is left to one that does, and holds up only its stream', async () => {
    const warnings: string[] = [];
    const observer = { ...silentObserver, warn: (message: string) => void warnings.push(message) };
    const control = controlOf(db, { observer });
    await control.put('newer');
    const member = memberOf(control, 'newer');
    await pad(1);
    const { head } = await control.get('newer');
    await query('alter table $s.events disable trigger user');
    await query('update $s.events set type = 99 where position = $1', [head]);
    await query('alter table $s.events enable trigger user');
    const ids = await makeJobs(db, 1);
    expect(said(await member.take(), ids)).toEqual(['0 JobSubmitted']);
    expect(warnings).toHaveLength(1);
    expect(await control.get('newer')).toMatchObject({ waiting: 1, position: head - 1n });
    expect(await member.look()).toMatchObject({ deliveries: [], again: false });
    await query('alter table $s.events disable trigger user');
    await query('update $s.events set type = 34 where position = $1', [head]);
    await query('alter table $s.events enable trigger user');
    await endPauses(db);
    expect(await member.take()).toMatchObject([{ attempt: 1, event: { type: 'QueueResumed' } }]);
  });
});

describe('a reset', () => {
  it('leaves nothing of before, whoever receives at that moment', async () => {
    const control = controlOf(db);
    const other = controlOf(await db.anotherProcess());
    await control.put('again', { filter: { queues: ['again'], eventTypes: ['JobSubmitted'] } });
    const ids = await makeJobs(db, 30, { queue: 'again' });
    const { position } = await control.get('again');
    const members = [control, other, control, other].map((each) => memberOf(each, 'again'));
    for (let round = 0; round < 15; round += 1) {
      await Promise.all([
        ...members.map((member) => member.take(3)),
        control.reset('again', String(position)),
      ]);
    }
    await control.reset('again', String(position));
    const last = await members[0]?.take();
    expect(said(last ?? [], ids)).toEqual(ids.map((_, index) => `${index} JobSubmitted`));
    const { rows } = await query(
      `select d.* from $s.subscription_deliveries d
       where d.subscription_id not in (select id from $s.subscriptions)`,
    );
    expect(rows).toEqual([]);
  });
});

describe('a subscription with too much aside', () => {
  it('reads on no further, says why, and goes on when somebody acts', async () => {
    const control = controlOf(db, { maxKept: 4 });
    await control.put('full', { filter: { queues: ['full'], jobTypes: ['x'] } });
    const member = memberOf(control, 'full');
    const ids = await makeJobs(db, 4, { queue: 'full' });
    await member.answer('park', await member.take(4));
    await expect(member.take()).rejects.toMatchObject({ code: 'subscription-full' });
    const { readPosition, head, ...state } = await control.get('full');
    expect(state).toMatchObject({ parked: 4, halted: 'full', moving: false });
    expect(readPosition < head).toBe(true);
    await control.replayParked('full', ids[0]);
    expect(await control.get('full')).toMatchObject({ halted: null });
    await member.answer('ack', await member.take());
    expect(said(await member.take(), ids)).toEqual(['0 JobCancelled']);
  });
});

describe('a subscription that stands beyond the log', () => {
  const groups = async (name: string) => {
    const control = controlOf(db);
    await control.put(name);
    const ids = await makeJobs(db, 1);
    const member = memberOf(control, name);
    await member.answer('ack', await member.take());
    await member.answer('ack', await member.take());
    return { control, member, ids };
  };

  it('says so, and hands out nothing until it is told where to go on', async () => {
    const { control, member } = await groups('beyond');
    const { head } = await control.get('beyond');
    await query("update $s.subscriptions set read_position = $1 where name = 'beyond'", [
      head + 10n,
    ]);
    await expect(member.take()).rejects.toMatchObject({
      code: 'subscription-ahead',
      facts: { position: String(head + 10n), head: String(head) },
    });
    expect(await control.get('beyond')).toMatchObject({ halted: 'ahead', moving: false });
    await control.reset('beyond', 'now');
    expect(await member.take()).toEqual([]);
    expect(await control.get('beyond')).toMatchObject({ halted: null, moving: true });
  });

  it('is found out after a restore, also where the log has grown beyond it again', async () => {
    const { control, member } = await groups('restored');
    const { epoch, head } = await control.get('restored');
    await query(
      `insert into $s.log_epochs (epoch, system_identifier, timeline, after_position, reason)
       values ($1, 'another', 1, $2, 'test')`,
      [epoch + 1, head - 1n],
    );
    await query('update $s.log_head set epoch = $1', [epoch + 1]);
    const ids = await makeJobs(db, 2);
    await expect(member.take()).rejects.toMatchObject({ code: 'subscription-ahead' });
    await control.reset('restored', String(head));
    expect(said(await member.take(), ids)).toEqual(['0 JobSubmitted', '1 JobSubmitted']);
  });

  it('goes on in a new epoch that begins behind its place', async () => {
    const { control, member } = await groups('failover');
    const { epoch, head } = await control.get('failover');
    await query(
      `insert into $s.log_epochs (epoch, system_identifier, timeline, after_position, reason)
       values ($1, 'another', 1, $2, 'test')`,
      [epoch + 1, head],
    );
    await query('update $s.log_head set epoch = $1', [epoch + 1]);
    expect(await member.take()).toEqual([]);
    const ids = await makeJobs(db, 1);
    expect(said(await member.take(), ids)).toEqual(['0 JobSubmitted']);
    expect(await control.get('failover')).toMatchObject({ epoch: epoch + 1, halted: null });
  });
});

async function stored(name: string): Promise<{ readonly tick: bigint }> {
  const { rows } = await query('select tick from $s.subscriptions where name = $1', [name]);
  return { tick: BigInt((rows[0] as { tick: string }).tick) };
}
