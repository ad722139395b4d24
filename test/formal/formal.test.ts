import { describe, expect, it } from 'vitest';
import { hasTools } from '../support/system-tool.ts';
import { checkModel, checks } from './models.ts';

const quick = checks.filter(({ deep }) => deep !== true);
const TIMEOUT_MS = 120_000;

describe.skipIf(!hasTools('spin', 'cc'))('the formal models', () => {
  it.each(quick.filter(({ holds }) => holds))(
    '$model hold: $about',
    async (check) => {
      const { failure, states } = await checkModel(check);
      expect(failure).toBeNull();
      // It has searched what it is meant to search.
      expect(states).toBeGreaterThan(100_000);
    },
    TIMEOUT_MS,
  );

  it.each(quick.filter(({ holds }) => !holds))(
    '$model fail as they must: $about',
    async (check) => {
      expect((await checkModel(check)).failure).toMatch(/^assertion violated/);
    },
    TIMEOUT_MS,
  );
});
