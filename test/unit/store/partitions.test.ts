import { describe, expect, it } from 'vitest';
import { makePartitions, needsPartitions } from '../../../src/store/partitions.ts';
import { createScriptedLog } from './scripted-log.ts';

describe('partitions are needed', () => {
  it.each([
    [0n, 0n, true],
    [0n, 99_999n, true],
    [0n, 100_000n, false],
    [31_072n, 131_072n, false],
    [31_073n, 131_072n, true],
  ])('at position %s with partitions up to %s: %s', (position, until, needed) => {
    expect(needsPartitions(position, until)).toBe(needed);
  });
});

/** Which partitions are made, and up to where there are some then. */
async function made(position: bigint, until: bigint, span: bigint) {
  const log = createScriptedLog();
  log.head = { tick: 0n, position, span, made: until };
  const { partitions_until: after } = await makePartitions(log.executor);
  const numbers = log.asked.flatMap(([statement, params]) =>
    statement === 'add-partition' ? [params] : [],
  );
  return { numbers: numbers.map(({ k, span: of }) => [k, of]), after };
}

describe('partitions are made', () => {
  it('from the first one on, up to 100,000 positions ahead', async () => {
    expect(await made(0n, 0n, 65_536n)).toEqual({
      numbers: [
        [0n, 65_536n],
        [1n, 65_536n],
      ],
      after: 131_072n,
    });
  });

  it('behind those that there are', async () => {
    const { numbers, after } = await made(31_073n, 131_072n, 65_536n);
    expect(numbers).toEqual([[2n, 65_536n]]);
    expect(after).toBe(196_608n);
  });

  it('from that of the head on, where there is none: earlier ones were dropped', async () => {
    const { numbers } = await made(200_000n, 0n, 65_536n);
    expect(numbers.map(([k]) => k)).toEqual([3n, 4n]);
  });

  it('up to the last position that is needed, and no further', async () => {
    expect((await made(0n, 0n, 50_000n)).numbers.map(([k]) => k)).toEqual([0n, 1n]);
    expect((await made(1n, 0n, 50_000n)).numbers.map(([k]) => k)).toEqual([0n, 1n, 2n]);
  });

  it('not where there are enough', async () => {
    expect(await made(0n, 100_000n, 50_000n)).toEqual({ numbers: [], after: 100_000n });
  });

  it('not for a log without a head', async () => {
    const log = createScriptedLog();
    log.head = null;
    await expect(makePartitions(log.executor)).rejects.toThrow('no head although it was just made');
  });
});
