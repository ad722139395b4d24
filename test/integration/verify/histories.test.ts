import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projections } from '../../../src/projections/registry.ts';
import { readCheckpoints } from '../../../src/store/statements/verify/read-checkpoints.ts';
import { readHead } from '../../../src/store/statements/read-head.ts';
import { rebuildClaims } from '../../../src/verify/rebuild/rebuild-claims.ts';
import { verify } from '../../../src/verify/verify.ts';
import { move, play, queues } from '../projections-history.ts';
import { sequenceOnce } from '../../support/log-steps.ts';
import { applyLive, prepareReadModels } from '../../support/read-models.ts';
import { stopPostgres15, versionsUnderTest } from '../../support/postgres-servers.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';

let db: TestDatabase;
afterAll(() => stopPostgres15());

/** Brings each read model a part of the way to the head. */
async function projectPartly(share: number): Promise<void> {
  const checkpoints = await db.database.run(readCheckpoints, {});
  const [head] = await db.database.run(readHead, {});
  for (const [index, { name }] of projections.entries()) {
    const after = checkpoints.find((each) => each.name === name)?.position ?? 0n;
    const left = Number((head?.position ?? 0n) - after);
    const upTo = after + BigInt(Math.floor(index === 0 ? left * share : left * (1 - share)));
    if (upTo > after) await applyLive(db.database, name, { after, upTo });
  }
}

describe.each(versionsUnderTest())('on Postgres %i', (postgres) => {
  beforeAll(async () => {
    db = await createTestDatabase({ postgres });
    await prepareReadModels(db.database);
    await db.context.names.queueIds(queues);
  });
  afterAll(() => db.drop());

  it('whatever happens to jobs, nothing differs, however far sequencer and read models are', async () => {
    const history = fc.array(move, { minLength: 30, maxLength: 50, size: 'max' });
    const share = fc.constantFrom(0, 0.3, 1);
    await fc.assert(
      fc.asyncProperty(history, share, fc.constantFrom(1, 7, 3_000), async (moves, part, chunk) => {
        await play(db, moves.slice(0, 20));
        await sequenceOnce(db.database);
        await play(db, moves.slice(20));
        await projectPartly(part);
        const before = await verify(db.database, { chunkRows: chunk, safety: true });
        expect(before.differences).toEqual([]);
        expect(before.safety?.violations).toEqual([]);
        await rebuildClaims(db.database);
        const after = await verify(db.database, { chunkRows: chunk });
        expect(after.differences).toEqual([]);
        expect(after.checked).toEqual(before.checked);
      }),
      // What one history leaves the next one builds upon, so there is nothing to shrink to.
      { numRuns: 8, endOnFailure: true },
    );
  });
});
