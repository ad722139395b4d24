import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../../src/daybook.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { EventTarget, StoredTargetEvent } from '../../../src/relay/target/event-target.ts';
import { verifyRelay } from '../../../src/relay/verify/verify-relay.ts';
import { createChance } from '../../simulation/chance.ts';
import { faults } from '../../support/kurrent-double/faults.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';
import {
  expectedStreams,
  openTarget,
  relayed,
  type RelayTarget,
  withRelayTarget,
} from '../../support/relay-steps.ts';

// `npm run test:relay` does it with 100,000 events and 20 kills.
const EVENTS = Number(process.env['DAYBOOK_RELAY_EVENTS'] ?? 1_500);
const KILLS = Number(process.env['DAYBOOK_RELAY_KILLS'] ?? 2);
const SEED = Number(process.env['DAYBOOK_RELAY_SEED'] ?? 7_070);
/** Faults in all, about, and appends in all, about: an append has about two events. */
const FAULTS = Math.max(15, EVENTS / 500);
const FAULT_EVERY = Math.max(2, Math.round(EVENTS / 2 / FAULTS));

const note = defineJob({ type: 'note', payload: z.object({ n: z.number() }), handler: () => null });
const program = fileURLToPath(new URL('../../support/relay-process.ts', import.meta.url));

describe('a relay that is killed, while its target fails', () => {
  let at: RelayTarget;
  let target: EventTarget;
  let daybook: TestDaybook;
  const children = new Set<ChildProcess>();
  /** Processes that ended by themselves. */
  const crashes: string[] = [];
  withRelayTarget((found) => {
    at = found;
  });
  beforeAll(async () => {
    target = await openTarget(at.url);
    daybook = await openTestDaybook({ jobs: [note] });
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await target.close();
    await daybook.close();
  });

  const startProcess = (): ChildProcess => {
    const args = ['--import', 'tsx', program, daybook.db.connectionString, at.url];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    children.add(child);
    child.once('exit', (code, signal) => {
      if (signal !== 'SIGKILL') crashes.push(`exit code ${code}, signal ${signal}`);
    });
    return child;
  };
  const checkpoint = async (): Promise<number | string> => {
    if (crashes.length > 0) return crashes.join();
    const { rows } = await daybook.db.database.pool.query<{ position: string }>(
      `select position from daybook.consumer_checkpoints where name = 'relay'`,
    );
    return Number(rows[0]?.position ?? 0);
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    children.delete(child);
    // What would lapse by itself, five seconds later.
    await daybook.db.database.pool.query(
      `delete from daybook.duties where name = 'consumer relay'`,
    );
  };

  it(
    'has brought every event into the target exactly once, in the order of its stream',
    async () => {
      const chance = createChance(SEED);
      at.double?.chooseFaults(() =>
        chance.between(1, FAULT_EVERY) === 1
          ? faults[chance.between(0, faults.length - 1)]
          : undefined,
      );
      await submitAll(daybook, EVENTS / 3);
      let child = startProcess();
      for (let killed = 0; killed < KILLS; killed += 1) {
        const due = (EVENTS / (KILLS + 1)) * (killed + 1);
        const reached = async () => {
          const now = await checkpoint();
          return typeof now === 'string' ? now : now > due;
        };
        await expect.poll(reached, { timeout: 600_000, interval: 20 }).toBeTruthy();
        expect(crashes).toEqual([]);
        await kill(child);
        child = startProcess();
      }
      await relayed(daybook.db, 600_000);
      expect(crashes).toEqual([]);
      await kill(child);
      await expectSame(daybook, target);
      if (at.double !== undefined) {
        const { played } = at.double;
        expect([...played.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(5);
        // In a long run each of them has its turn; a short one has too few.
        if (EVENTS >= 100_000) expect([...played.keys()].toSorted()).toEqual(faults.toSorted());
      }
    },
    EVENTS < 10_000 ? 600_000 : 3_600_000,
  );
});

/** Jobs that are submitted, claimed and completed: three events each, and those of the queue. */
async function submitAll(daybook: TestDaybook, jobs: number): Promise<void> {
  const worker = daybook.worker({ concurrency: 100 });
  await worker.start();
  for (let made = 0; made < jobs; made += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, jobs - made) }, (_, n) => ({ n: made + n }));
    await daybook.submitMany(batch.map((payload) => ({ type: 'note', payload })));
  }
  const ended = async () => {
    const { rows } = await daybook.db.database.pool.query<{ n: string }>(
      'select count(*)::text as n from daybook.job_claims',
    );
    return rows[0]?.n;
  };
  await expect.poll(ended, { timeout: 600_000, interval: 50 }).toBe('0');
  await worker.stop();
}

/** All of the target, once: as many events as the log has, each stream with the log’s ids in order. */
async function expectSame(daybook: TestDaybook, target: EventTarget): Promise<void> {
  const expected = await expectedStreams(daybook.db);
  const found = new Map<string, StoredTargetEvent[]>();
  for await (const event of target.readAll()) {
    if (!expected.has(event.stream)) continue;
    found.set(event.stream, [...(found.get(event.stream) ?? []), event]);
  }
  const wrong = [...expected].filter(
    ([stream, ids]) => (found.get(stream) ?? []).map(({ id }) => id).join() !== ids.join(),
  );
  expect(wrong).toEqual([]);
  const { database } = daybook.db;
  const report = await verifyRelay({ database, target, clock: systemClock, timeoutMs: 60_000 });
  expect(report).toMatchObject({ missing: 0, differing: 0, parked: 0 });
  expect(report.same).toBe([...expected.values()].flat().length);
  console.log(
    `${report.same} events in ${expected.size} streams are the same on both sides, seed ${SEED}.`,
  );
}
