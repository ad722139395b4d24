import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { verify } from '../../../src/verify/verify.ts';
import { move, play, queues } from '../projections-history.ts';
import { sequenceAll } from '../../support/log-steps.ts';
import { stopPostgres15, versionsUnderTest } from '../../support/postgres-servers.ts';
import { createTestDatabase } from '../../support/test-database.ts';
import { eventsOf, exported, restored } from './transfers.ts';

afterAll(() => stopPostgres15());

describe.each(versionsUnderTest())('on Postgres %i', (postgres) => {
  it('any history comes back as it was, and is what verify proves', async () => {
    const history = fc.array(move, { minLength: 40, maxLength: 60, size: 'max' });
    await fc.assert(
      fc.asyncProperty(history, async (moves) => {
        const from = await createTestDatabase({ postgres });
        const to = await createTestDatabase({ postgres });
        await from.context.names.queueIds(queues);
        await play(from, moves.slice(0, 20));
        await sequenceAll(from.database);
        await play(from, moves.slice(20));
        await sequenceAll(from.database);

        const lines = await exported(from.database);
        const { events } = await restored(to.database, lines);
        expect(events).toBe(lines.length - 2);
        const report = await verify(to.database, { safety: true });
        expect(report.differences).toEqual([]);
        expect(report.safety?.violations).toEqual([]);
        expect(report.checked).toMatchObject({ events });
        expect(eventsOf(await exported(to.database))).toEqual(eventsOf(lines));
        await to.drop();
        await from.drop();
      }),
      { numRuns: 2, endOnFailure: true },
    );
  });
});
