import { take, toArray, lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoggedEvent } from '../../../src/daybook.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
beforeAll(async () => {
  daybook = await openTestDaybook();
  await daybook.submitMany(Array.from({ length: 5 }, () => ({ type: 'x', tags: ['first'] })));
});
afterAll(() => daybook.close());

async function first(count: number, events: AsyncIterable<LoggedEvent>): Promise<LoggedEvent[]> {
  const found: LoggedEvent[] = [];
  for await (const event of events) {
    found.push(event);
    if (found.length === count) break;
  }
  return found;
}

const stop = (signal: AbortController) => () => signal.abort();

describe('daybook.events', () => {
  it('reads the log as it is, lease tokens and all, and goes on from any token', async () => {
    const events = await first(6, daybook.events({ after: 'start' }));
    expect(events.map(({ type }) => type)).toEqual([
      'QueueCreated',
      ...Array.from({ length: 5 }, () => 'JobSubmitted'),
    ]);
    const rest = await first(3, daybook.events({ after: events[2]?.token }));
    expect(rest).toEqual(events.slice(3));
  });

  it('begins at the end, and reads what comes', async () => {
    const ended = new AbortController();
    const seen: LoggedEvent[] = [];
    const reading = (async () => {
      const onCaughtUp = () => void daybook.submit({ type: 'y' });
      for await (const event of daybook.events({ onCaughtUp, signal: ended.signal })) {
        seen.push(event);
        ended.abort();
      }
    })();
    await reading;
    expect(seen).toMatchObject([{ type: 'JobSubmitted', jobType: 'y' }]);
  });

  it('filters', async () => {
    await daybook.submit({ type: 'z', correlationId: 'order-1' });
    const [found] = await first(
      1,
      daybook.events({ after: 'start', filter: { correlations: ['order-1'] } }),
    );
    expect(found).toMatchObject({ jobType: 'z', correlation: 'order-1' });
  });

  it('leaves the tail when its reader breaks off or the signal aborts', async () => {
    await first(1, daybook.events({ after: 'start' }));
    const ended = new AbortController();
    const options = { signal: ended.signal, onCaughtUp: stop(ended) };
    for await (const event of daybook.events(options)) expect(event).toBeUndefined();
    expect(daybook.tail.subscribers).toBe(0);
  });
});

describe('daybook.events$', () => {
  it('is cold: every subscriber reads for itself', async () => {
    const stream = daybook.events$({ after: 'start' }).pipe(take(4), toArray());
    const [one, other] = await Promise.all([lastValueFrom(stream), lastValueFrom(stream)]);
    expect(one.map(({ position }) => position)).toEqual([1n, 2n, 3n, 4n]);
    expect(other).toEqual(one);
    await expect.poll(() => daybook.tail.subscribers).toBe(0);
  });

  it('goes on by itself when the database was away', async () => {
    const seen: bigint[] = [];
    const subscription = daybook.events$({ after: 'start' }).subscribe(({ position }) => {
      seen.push(position);
    });
    await expect.poll(() => seen.length).toBeGreaterThan(5);
    await daybook.db.database.pool.query(
      `select pg_terminate_backend(pid, 60000) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await expect
      .poll(() =>
        daybook.submit({ type: 'after' }).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await expect.poll(() => seen.length).toBeGreaterThan(8);
    expect(seen).toEqual(seen.map((_, index) => BigInt(index + 1)));
    subscription.unsubscribe();
    await expect.poll(() => daybook.tail.subscribers).toBe(0);
  });

  it('errors with a token of another epoch, and completes on close', async () => {
    const expired = lastValueFrom(daybook.events$({ after: 'v1.9.1' }));
    await expect(expired).rejects.toMatchObject({ code: 'token-expired' });
    const own = await openTestDaybook();
    const completed = new Promise<void>((complete) => {
      own.events$().subscribe({ complete });
    });
    await expect.poll(() => own.tail.subscribers).toBe(1);
    await own.close();
    await completed;
    expect(own.tail.subscribers).toBe(0);
    await expect(own.events().next()).rejects.toMatchObject({ code: 'closed' });
  });
});
