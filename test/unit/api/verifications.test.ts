import { expect, it } from 'vitest';
import { createVerifications } from '../../../src/api/verifications.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { DaybookError } from '../../../src/kernel/errors.ts';
import type { VerifyReport } from '../../../src/verify/report.ts';
import type { VerifyOptions } from '../../../src/verify/verify.ts';

const report = { equal: true } as VerifyReport;

/** Verifications whose runs end when the test says so. */
function setUp() {
  const runs: {
    options: VerifyOptions;
    finish(): void;
    fail(error: unknown): void;
  }[] = [];
  const errors: unknown[] = [];
  const verifications = createVerifications({
    run: (options) =>
      new Promise((resolve, reject) => {
        const fail = (error: unknown) => reject(error);
        runs.push({ options, finish: () => resolve(report), fail });
        options.signal?.addEventListener('abort', () => fail(new DaybookError('aborted', 'ended')));
      }),
    newId: () => `run-${runs.length + 1}`,
    clock: systemClock,
    onError: (error) => errors.push(error),
  });
  return { verifications, runs, errors };
}

it('answers a quick run with its report, and one that takes longer as it is', async () => {
  const { verifications, runs } = setUp();
  const quick = verifications.start({ bodies: false }, 60_000);
  expect(runs[0]?.options.bodies).toBe(false);
  runs[0]?.finish();
  expect(await quick).toMatchObject({ id: 'run-1', state: 'finished', report });
  expect(await verifications.start({}, 0)).toMatchObject({ id: 'run-2', state: 'running' });
  runs[1]?.options.onProgress?.({ phase: 'log', events: 5, of: 10 });
  expect(verifications.get('run-2').progress).toEqual({ phase: 'log', events: 5, of: 10 });
});

it('joins the run that is on its way', async () => {
  const { verifications, runs } = setUp();
  await verifications.start({}, 0);
  const second = verifications.start({}, 60_000);
  runs[0]?.finish();
  expect(await second).toMatchObject({ id: 'run-1', state: 'finished' });
  expect(runs).toHaveLength(1);
});

it('tells why a run failed, and hides what nobody foresaw', async () => {
  const { verifications, runs, errors } = setUp();
  const first = verifications.start({}, 60_000);
  runs[0]?.fail(new DaybookError('database-unavailable', 'It is away.'));
  const failure = { code: 'database-unavailable', detail: 'It is away.' };
  expect(await first).toMatchObject({ state: 'failed', failure });
  const second = verifications.start({}, 60_000);
  runs[1]?.fail(new Error('secret'));
  const { failure: hidden } = await second;
  expect(hidden?.code).toBe('internal');
  expect(hidden?.detail).not.toContain('secret');
  expect(errors).toEqual([new Error('secret')]);
});

it('remembers ten runs', async () => {
  const { verifications, runs } = setUp();
  for (let run = 0; run < 11; run += 1) {
    const started = verifications.start({}, 60_000);
    runs[run]?.finish();
    await started;
  }
  expect(() => verifications.get('run-1')).toThrow(
    expect.objectContaining({ code: 'verification-not-found' }),
  );
  expect(verifications.get('run-2').state).toBe('finished');
});

it('ends the run that is on its way when it is closed', async () => {
  const { verifications, runs } = setUp();
  await verifications.start({}, 0);
  await verifications.close();
  expect(runs[0]?.options.signal?.aborted).toBe(true);
  expect(verifications.get('run-1')).toMatchObject({
    state: 'failed',
    failure: { code: 'aborted' },
  });
});
