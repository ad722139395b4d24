import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Executor } from '../../../src/store/statement.ts';
import type { SourcedEvent } from '../../../src/transfer/log-source.ts';
import { createWaitingEvents } from '../../../src/transfer/waiting-events.ts';
import { createChance } from '../../simulation/chance.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

/** What an event is does not matter here; its texts must come back as they are. */
function sourced(position: number, payload: string | null = null): SourcedEvent {
  const text = '\u0000 "\\ {NULL} 😀 ' + String(position);
  const event = { position: BigInt(position), data: { reason: text }, tags: [text] };
  return { event, recordedAtMs: position, payload, result: null } as unknown as SourcedEvent;
}

interface Counted extends Executor {
  readonly statements: Map<string, number>;
}

function counting(tx: Executor): Counted {
  const statements = new Map<string, number>();
  return {
    statements,
    run(statement, params) {
      statements.set(statement.name, (statements.get(statement.name) ?? 0) + 1);
      return tx.run(statement, params);
    },
  };
}

const inTransaction = <Result>(work: (tx: Counted) => Promise<Result>) =>
  db.database.transaction((tx) => work(counting(tx)));

/** Adds events as they come, and takes out what is due. */
async function ordered(
  tx: Executor,
  arriving: readonly SourcedEvent[],
  limits: { readonly events: number; readonly bytes: number },
): Promise<{ readonly taken: SourcedEvent[]; readonly isEmpty: boolean }> {
  const waiting = createWaitingEvents(limits);
  const taken: SourcedEvent[] = [];
  for (const each of arriving) {
    expect(waiting.add(each)).toBe(true);
    for (;;) {
      const next = await waiting.take(tx, BigInt(taken.length + 1));
      if (next === undefined) break;
      taken.push(next);
    }
    await waiting.settle(tx);
  }
  return { taken, isEmpty: waiting.isEmpty };
}

describe('events that wait for earlier ones', () => {
  const few = { events: 7, bytes: 1_000_000 };

  it('come out in order and as they were, in whatever order they came', async () => {
    for (const seed of [1, 2, 3]) {
      const chance = createChance(seed);
      const all = Array.from({ length: 200 }, (_, n) => sourced(n + 1));
      const arriving = all
        .map((each) => ({ each, at: chance.next() }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ each }) => each);
      await inTransaction(async (tx) => {
        expect(await ordered(tx, arriving, few)).toEqual({ taken: all, isEmpty: true });
        expect(tx.statements.get('put-waiting-events')).toBeGreaterThan(3);
      });
    }
  });

  it('are read back a page at a time, and stay in memory where they are few', async () => {
    const all = Array.from({ length: 701 }, (_, n) => sourced(n + 1));
    const held = [...all.slice(1), all[0] as SourcedEvent];
    await inTransaction(async (tx) => {
      expect((await ordered(tx, held, few)).taken).toEqual(all);
      expect(tx.statements.get('read-waiting-events')).toBe(100);
    });
    await inTransaction(async (tx) => {
      expect((await ordered(tx, held, { events: 700, bytes: 0 })).taken).toEqual(all);
      expect(tx.statements.size).toBe(0);
    });
  });

  it('are put aside for their bytes too, and read back within them', async () => {
    const large = (position: number) => sourced(position, JSON.stringify('x'.repeat(1_000)));
    const all = Array.from({ length: 20 }, (_, n) => large(n + 1));
    const held = [...all.slice(1), all[0] as SourcedEvent];
    await inTransaction(async (tx) => {
      const limits = { events: 1_000, bytes: 3_000 };
      expect((await ordered(tx, held, limits)).taken).toEqual(all);
      expect(tx.statements.get('put-waiting-events')).toBeGreaterThan(4);
      expect(tx.statements.get('read-waiting-events')).toBeGreaterThan(4);
    });
  });

  it.each([
    ['both put aside', [2, 3, 4, 2, 5, 6, 1]],
    ['one put aside, the other come lately', [2, 3, 4, 5, 2, 1]],
    ['one read back', [3, 4, 5, 6, 7, 1, 2, 9, 4]],
  ])('are refused where a position is there twice: %s', async (_, positions) => {
    const work = inTransaction(async (tx) => {
      const waiting = createWaitingEvents({ events: 2, bytes: 1_000 });
      let next = 1n;
      for (const position of positions) {
        if (position < next || !waiting.add(sourced(position))) return 'refused';
        while ((await waiting.take(tx, next)) !== undefined) next += 1n;
        await waiting.settle(tx);
      }
      return 'taken';
    });
    const outcome = await work.catch((error: unknown) => String(error));
    expect(outcome).toMatch(/refused|Position \d is there twice/);
  });

  it('that lack an earlier one are known to be there', async () => {
    await inTransaction(async (tx) => {
      const arriving = [5, 4, 3].map((position) => sourced(position));
      const allAside = { events: 2, bytes: 1_000 };
      expect(await ordered(tx, arriving, allAside)).toEqual({ taken: [], isEmpty: false });
    });
  });
});
