import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKnownHistory, type KnownHistory } from './known-history.ts';

let history: KnownHistory;
beforeEach(async () => {
  history = await createKnownHistory();
});
afterEach(() => history.db.drop());

/** The position of an event. */
async function positionOf(stream: string, version: number): Promise<string> {
  const { rows } = await history.tamper(
    'select position::text from events where stream_id = $1 and version = $2',
    [stream, version],
  );
  return rows[0].position;
}

describe('positions', () => {
  it('with a hole', async () => {
    const { completed: key } = history.jobs;
    const position = await positionOf(key, 3);
    await history.tamper('delete from events where position = $1', [position]);
    const differences = await history.differences();
    const metrics = differences.filter(({ table }) => table === 'job_metrics');
    // Of a minute, an hour and a day.
    const columns = metrics.map(({ column }) => `${column}`);
    expect(columns.toSorted()).toEqual(
      ['completed', 'run'].flatMap((column) => [column, column, column]),
    );
    expect(differences.filter(({ table }) => table !== 'job_metrics')).toMatchObject([
      { kind: 'position-missing', table: 'events', key: position, position, expected: 'an event' },
      // Nothing in the log completes the job any more.
      { kind: 'column-differs', table: 'queue_counters', column: 'running', found: 1 },
      { kind: 'column-differs', table: 'queue_counters', column: 'completed', found: 1 },
      { kind: 'row-missing', table: 'job_claims', key },
      { kind: 'column-differs', table: 'job_payloads', key, column: 'has_result' },
      { kind: 'column-differs', table: 'job_payloads', key, column: 'result' },
      { kind: 'column-differs', table: 'job_status', key, column: 'status' },
      { kind: 'column-differs', table: 'job_status', key, column: 'ended_at' },
      { kind: 'column-differs', table: 'job_status', key, column: 'position' },
      { kind: 'column-differs', table: 'job_status', key, column: 'version' },
      { kind: 'column-differs', table: 'job_status', key, column: 'since_position' },
    ]);
  });

  it('with a hole of two at the end, and a head that is short', async () => {
    await history.tamper('delete from events where position > 12');
    expect((await history.differences())[0]).toMatchObject({
      kind: 'position-missing',
      position: '13',
      expected: 'events from 13 to 14',
    });
    await history.tamper('update log_head set position = 11');
    const kinds = (await history.differences()).map(({ kind, key }) => [kind, key]);
    expect(kinds).toContainEqual(['position-beyond-head', '12']);
    expect(kinds).toContainEqual(['batch-wrong', '14']);
  });

  it('in another order than the versions', async () => {
    const { running: key } = history.jobs;
    const [first, second] = [await positionOf(key, 1), await positionOf(key, 2)];
    await history.tamper('update events set position = 1000 where position = $1', [first]);
    await history.tamper('update events set position = $1 where position = $2', [first, second]);
    await history.tamper('update events set position = $1 where position = 1000', [second]);
    expect(await history.differences()).toEqual(
      expect.arrayContaining([
        {
          kind: 'order-wrong',
          table: 'events',
          key,
          version: 2,
          position: first,
          column: 'position',
          expected: `above ${second}`,
          found: first,
        },
      ]),
    );
  });
});

describe('a stream', () => {
  it('whose versions are swapped', async () => {
    const { running: key } = history.jobs;
    await history.tamper('update events set version = 3 - version where stream_id = $1', [key]);
    const position = await positionOf(key, 1);
    expect((await history.differences()).slice(0, 1)).toEqual([
      {
        kind: 'event-illegal',
        table: 'events',
        key,
        version: 1,
        position,
        expected: 'the stream does not begin with JobSubmitted',
        found: 'JobClaimed',
      },
    ]);
  });

  it('with a gap', async () => {
    const { running: key } = history.jobs;
    await history.tamper('update events set version = 7 where stream_id = $1 and version = 2', [
      key,
    ]);
    const position = await positionOf(key, 7);
    expect(await history.differences()).toEqual([
      {
        kind: 'version-wrong',
        table: 'events',
        key,
        version: 7,
        position,
        column: 'version',
        expected: 2,
        found: 7,
      },
    ]);
  });

  it('with an event twice', async () => {
    const { running: key } = history.jobs;
    await history.tamper(
      `insert into event_inbox (occurred_at, stream_id, version, queue_id, job_type_id, type, data)
       select occurred_at, stream_id, version, queue_id, job_type_id, type, data from events
       where stream_id = $1 and version = 2`,
      [key],
    );
    expect(await history.differences()).toEqual([
      {
        kind: 'version-wrong',
        table: 'events',
        key,
        version: 2,
        column: 'version',
        expected: 3,
        found: 2,
      },
    ]);
  });

  it('with an outcome that no claim stands before', async () => {
    const { waiting: key } = history.jobs;
    await history.tamper(
      `insert into event_inbox (occurred_at, stream_id, version, queue_id, job_type_id, type, tags)
       select occurred_at, stream_id, 2, queue_id, job_type_id, 3, tags from events
       where stream_id = $1`,
      [key],
    );
    const [illegal, row] = await history.differences();
    expect(illegal).toEqual({
      kind: 'event-illegal',
      table: 'events',
      key,
      version: 2,
      expected: 'the job was not claimed',
      found: 'JobCompleted',
    });
    expect(row).toMatchObject({ kind: 'row-extra', table: 'job_claims', key });
  });

  it('that ends in the middle of a decision', async () => {
    const { dead: key } = history.jobs;
    await history.tamper('delete from events where stream_id = $1 and version = 4', [key]);
    const position = await positionOf(key, 3);
    expect(await history.differences()).toContainEqual({
      kind: 'event-illegal',
      table: 'events',
      key,
      version: 3,
      position,
      expected: 'JobFailed is followed by JobRetried or JobDead',
      found: 'the end of the stream',
    });
  });

  it('whose time runs backwards', async () => {
    const { cancelled: key } = history.jobs;
    await history.tamper(
      `update events set occurred_at = occurred_at - interval '1 hour'
       where stream_id = $1 and version = 2`,
      [key],
    );
    const position = await positionOf(key, 2);
    expect((await history.differences())[0]).toMatchObject({
      kind: 'time-backwards',
      key,
      version: 2,
      position,
      column: 'occurred_at',
    });
  });

  it.each([
    ['elapsed_ms', '-1', 3],
    ['tags', "'{z}'", 1],
    ['job_type_id', 'null', 1],
  ])('with another %s beside an event', async (column, sql, version) => {
    const { completed: key } = history.jobs;
    await history.tamper(
      `update events set ${column} = ${sql} where stream_id = $1 and version = $2`,
      [key, version],
    );
    const position = await positionOf(key, version);
    const differences = await history.differences();
    const inLog = differences.filter(({ table }) => table === 'events');
    expect(inLog).toHaveLength(1);
    // Only metrics read what stands beside events.
    expect(differences.filter(({ table }) => !/events|job_metrics/.test(table ?? ''))).toEqual([]);
    expect(inLog[0]).toMatchObject({ kind: 'mark-wrong', key, version, position, column });
  });

  it('with an event of a type, and of a queue, that nobody knows', async () => {
    const { waiting, cancelled } = history.jobs;
    await history.tamper('update events set type = 99 where stream_id = $1', [waiting]);
    await history.tamper('update events set queue_id = 99 where stream_id = $1 and version = 2', [
      cancelled,
    ]);
    const unknown = (await history.differences()).filter(({ table }) => table === 'events');
    expect(unknown).toMatchObject([
      { kind: 'event-unknown', key: waiting, version: 1, column: 'type', found: 99 },
      { kind: 'event-unknown', key: cancelled, version: 2, column: 'queue_id', found: 99 },
    ]);
  });

  it('of an epoch that was never opened', async () => {
    await history.tamper('update events set epoch = 4 where position >= 10');
    expect(await history.differences()).toMatchObject([
      { kind: 'epoch-wrong', key: '10', position: '10', column: 'epoch', found: 4 },
    ]);
    await history.tamper('insert into log_epochs values (4, now(), 1, 1, 9, $1)', ['test']);
    expect(await history.differences()).toEqual([]);
    await history.tamper('update events set epoch = 1 where position = 12');
    expect((await history.differences())[0]).toMatchObject({ kind: 'epoch-wrong', found: 1 });
  });
});

describe('the inbox', () => {
  it('with an event that is to come', async () => {
    const { waiting: key } = history.jobs;
    // Moved out of the log, as if the sequencer had not come yet.
    await history.tamper(
      `insert into event_inbox (occurred_at, stream_id, version, queue_id, job_type_id, type, data,
         tags)
       select occurred_at, stream_id, 2, queue_id, job_type_id, 10, '{"reason": null}', tags
       from events where stream_id = $1`,
      [key],
    );
    expect((await history.differences()).map(({ table }) => table)).not.toContain('event_inbox');
  });

  it('with an event that no sequencer will ever move', async () => {
    const { waiting: key } = history.jobs;
    await history.tamper(
      `insert into event_inbox (seq, occurred_at, stream_id, version, queue_id, type)
       overriding system value
       select 0, occurred_at, stream_id, 2, queue_id, 14 from events where stream_id = $1`,
      [key],
    );
    expect(await history.differences()).toEqual([
      {
        kind: 'event-stranded',
        table: 'event_inbox',
        key,
        version: 2,
        column: 'seq',
        expected: 'a number that the sequencer has yet to look at',
        found: '0',
      },
    ]);
  });
});

describe('the report', () => {
  it('lists a hundred differences and counts them all', async () => {
    const { waiting } = history.jobs;
    await history.tamper(
      `insert into dead_jobs (job_id, died_at, submitted_at, queue_id, type_id, tenant_id, version,
         payload_bytes, failures, max_attempts, priority)
       select gen_random_uuid(), run_at, submitted_at, queue_id, type_id, tenant_id, version,
         payload_bytes, failures, max_attempts, priority
       from job_claims, generate_series(1, 150) where id = $1`,
      [waiting],
    );
    const { equal, differences, counts } = await history.verify();
    expect({ equal, counts }).toEqual({ equal: false, counts: { 'row-extra': 150 } });
    expect(differences).toHaveLength(100);
  });
});
