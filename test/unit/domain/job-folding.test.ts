import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedJobEvent } from '../../../src/domain/job/events.ts';
import { evolveJob, foldJob } from '../../../src/domain/job/evolve.ts';
import { steps } from './job-steps.ts';
import { always, statesOf, streamOf, walk } from './job-walk.ts';

describe('folding', () => {
  it('all at once gives what folding one by one gave', () => {
    always((turns) => {
      expect(foldJob(streamOf(turns))).toStrictEqual(turns.at(-1)?.after ?? null);
    });
  });

  it('can stop anywhere and go on', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (walked, cut) => {
        const stream = streamOf(walk(walked));
        const at = cut % (stream.length + 1);
        const resumed = stream.slice(at).reduce(evolveJob, foldJob(stream.slice(0, at)));
        expect(resumed).toStrictEqual(foldJob(stream));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same after the events were JSON, and so does the state itself', () => {
    always((turns) => {
      const stream = streamOf(turns);
      const read = JSON.parse(JSON.stringify(stream)) as RecordedJobEvent[];
      const state = foldJob(stream);
      expect(foldJob(read)).toStrictEqual(state);
      expect(JSON.parse(JSON.stringify(state))).toStrictEqual(state);
    });
  });

  it('changes neither the events nor the states that it is given', () => {
    always((turns) => {
      const stream = streamOf(turns);
      const copy = structuredClone(stream);
      const states = statesOf(stream);
      const copies = structuredClone(states);
      for (const [index, state] of states.entries()) {
        const next = stream[index + 1];
        if (next) evolveJob(state, next);
      }
      expect(stream).toStrictEqual(copy);
      expect(states).toStrictEqual(copies);
    });
  });
});
