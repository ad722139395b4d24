import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { type Asked, row, startRunner } from './runner.ts';

/** Answers the first claim of its kind that is made, and no other. */
function once(suspects: boolean, ...rows: ReturnType<typeof row>[]) {
  return (asked: Asked) => (asked.suspects === suspects ? rows.splice(0) : []);
}

it('lets go of a job whose run ends in an error of the worker, and looks for its claim', async () => {
  const suspect = row({ suspect: true });
  let looks = 0;
  const { due, held, warnings, pass, runner } = await startRunner(
    {
      claim: once(true, suspect),
      markStart: () => Promise.reject(new Error('deadlock detected')),
      heldClaims: () => {
        looks += 1;
        return [];
      },
    },
    () => 'done',
  );
  await due(true);
  await pass(100);
  expect(warnings).toEqual(['a job ended without an outcome']);
  expect(held.leaseTokens()).toEqual(new Set());
  expect(looks).toBe(1);
  await held.idle();
  await runner.stop();
});

it('looks for suspects again after one was claimed for a session that ended meanwhile', async () => {
  let session = 'first';
  const ran: string[] = [];
  const suspect = row({ suspect: true });
  const { due, runner } = await startRunner(
    {
      claim: ({ suspects }) => {
        if (!suspects || ran.length > 0) return [];
        if (session === 'second') return [suspect];
        session = 'second';
        return [suspect];
      },
    },
    ({ job }) => ran.push(job.id),
    { session: () => session },
  );
  await due(true);
  expect(ran).toEqual([]);
  await due(true);
  expect(ran).toEqual([suspect.id]);
  await runner.stop();
});

it('starts what it holds as soon as outcomes have been written', async () => {
  let ran = 0;
  const { outcomes, pass, runner } = await startRunner(
    { claim: once(false, row(), row(), row()) },
    (_context, unwritten) => {
      ran += 1;
      unwritten.full = true;
    },
  );
  onTestFinished(() => runner.stop());
  expect(ran).toBe(1);
  await pass(100);
  expect(ran).toBe(1);
  outcomes.full = false;
  await pass(100);
  expect(ran).toBe(2);
});

it('lets the event loop turn among handlers that return at once', async () => {
  let ran = 0;
  let seen = 0;
  const rows = Array.from({ length: 250 }, () => row());
  const { pass, runner } = await startRunner({ claim: once(false, ...rows) }, () => {
    ran += 1;
    if (ran === 1) setImmediate(() => (seen = ran));
  });
  onTestFinished(() => runner.stop());
  for (let turns = 0; turns < 5; turns += 1) await pass(0);
  expect(ran).toBe(250);
  expect(seen).toBe(100);
});

it('holds no more bytes ahead than it may, whatever the number of claims', async () => {
  const bytes = 300;
  let most = 0;
  const { asked, held, pass, runner } = await startRunner(
    {
      async claim({ suspects, limit, maxBytes }) {
        await turn();
        const fitting = Math.min(limit, Math.max(1, Math.ceil(maxBytes / bytes)));
        const rows = Array.from({ length: fitting }, () => row({ payload_bytes: bytes }));
        return suspects ? [] : rows;
      },
    },
    () => turn(),
    { maxPrefetchBytes: 10 * bytes },
  );
  for (let rounds = 0; rounds < 500; rounds += 1) {
    await pass(1);
    most = Math.max(most, held.bufferedBytes());
  }
  await runner.stop();
  expect(asked.some(({ limit }) => limit > 20)).toBe(true);
  expect(most).toBeGreaterThan(5 * bytes);
  expect(most).toBeLessThanOrEqual(10 * bytes);
});

/** Claims of jobs that are no suspects. */
function usual(asked: readonly Asked[]): number {
  return asked.filter(({ suspects }) => !suspects).length;
}

it('asks no more once a claim found all there was, until it hears of more', async () => {
  const { asked, due, ended, hint, pass, runner } = await startRunner(
    { claim: once(false, row(), row()) },
    () => 'done',
    { concurrency: () => 10 },
  );
  onTestFinished(() => runner.stop());
  await pass(0);
  expect([ended.length, usual(asked)]).toEqual([2, 1]);
  await pass(10);
  await hint();
  expect(usual(asked)).toBe(2);
  await pass(100);
  expect(usual(asked)).toBe(2);
  await due(false);
  expect(usual(asked)).toBe(3);
});

it('asks at once when a job ends and its claim had no room for more', async () => {
  const rows = [row(), row()];
  const ends: (() => void)[] = [];
  const { asked, pass, runner } = await startRunner(
    { claim: ({ suspects, limit }) => (suspects ? [] : rows.splice(0, limit)) },
    () => new Promise<void>((resolve) => ends.push(resolve)),
  );
  onTestFinished(async () => {
    for (const end of ends) end();
    await runner.stop();
  });
  expect([ends.length, usual(asked)]).toEqual([1, 1]);
  ends[0]?.();
  await pass(0);
  expect([ends.length, usual(asked)]).toEqual([2, 2]);
});

it('asks when a job ends for what a hint told while there was no room', async () => {
  const rows = [row()];
  const ends: (() => void)[] = [];
  const { asked, hint, pass, runner } = await startRunner(
    { claim: ({ suspects }) => (suspects ? [] : rows.splice(0, 1)) },
    () => new Promise<void>((resolve) => ends.push(resolve)),
    { concurrency: () => (rows.length === 0 && ends.length === 1 ? 1 : 2) },
  );
  onTestFinished(() => runner.stop());
  // The claim found one job and had room for two; then there is room for one.
  expect([ends.length, usual(asked)]).toEqual([1, 1]);
  await hint();
  expect(usual(asked)).toBe(1);
  rows.push(row());
  ends[0]?.();
  await pass(10);
  expect(usual(asked)).toBe(2);
});
