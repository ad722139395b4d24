import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createUuidV7, sha256, uuidV5, uuidV7TimeMs } from '../../../src/kernel/ids.ts';
import { isUuid } from '../../../src/kernel/uuid.ts';

const zeros = (size: number) => new Uint8Array(size);
const ones = (size: number) => new Uint8Array(size).fill(0xff);
const start = Date.UTC(2026, 0, 1);

/** Ids made while the clock shows these times, one id for each. */
function idsAt(times: readonly number[], random?: (size: number) => Uint8Array): string[] {
  let nowMs = 0;
  const next = createUuidV7(() => nowMs, random);
  return times.map((time) => {
    nowMs = time;
    return next();
  });
}

function expectStrictlyGrowing(ids: readonly string[]): void {
  expect(ids.findIndex((id, index) => index > 0 && id <= (ids[index - 1] ?? ''))).toBe(-1);
}

describe('a UUIDv7', () => {
  it('is time, version, counter, variant and chance, each in its place', () => {
    expect(idsAt([start], zeros)).toStrictEqual(['019b76da-a800-7000-8000-000000000000']);
    // The counter starts below 2^11, so that a ms has room for more; the variant is 10 in binary.
    expect(idsAt([start], ones)).toStrictEqual(['019b76da-a800-77ff-bfff-ffffffffffff']);
    const counting = (size: number) => Uint8Array.from({ length: size }, (_, index) => index + 1);
    expect(idsAt([start], counting)).toStrictEqual(['019b76da-a800-7102-8304-05060708090a']);
  });

  it('has the canonical form, also before 1970 came far', () => {
    const [early] = idsAt([1], zeros);
    expect(early).toBe('00000000-0001-7000-8000-000000000000');
    for (const id of idsAt([0, start, start, 2 ** 48 - 1])) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(isUuid(id)).toBe(true);
    }
  });

  it('grows strictly within a ms, past the end of the counter', () => {
    const ids = idsAt(Array.from({ length: 10_000 }, () => start));
    expectStrictlyGrowing(ids);
    expect(new Set(ids).size).toBe(10_000);
  });

  it('borrows the next ms when the counter is full, and goes on from there', () => {
    const room = 0xfff - 0x7ff;
    const ids = idsAt([...Array.from({ length: room + 2 }, () => start), start + 1], ones);
    expect(ids.slice(room).map((id) => id.slice(0, 18))).toStrictEqual([
      '019b76da-a800-7fff',
      '019b76da-a801-7000',
      '019b76da-a801-7001',
    ]);
  });

  it('grows strictly while the clock steps back, and keeps the newest time', () => {
    const ids = idsAt([start, start - 60_000, start - 1, start, start + 1], zeros);
    expectStrictlyGrowing(ids);
    expect(ids.map((id) => uuidV7TimeMs(id))).toStrictEqual([
      start,
      start,
      start,
      start,
      start + 1,
    ]);
  });

  it('grows strictly whatever the clock does', () => {
    const times = fc.array(fc.integer({ min: start, max: start + 20 }), { maxLength: 200 });
    fc.assert(
      fc.property(times, (walked) => {
        expectStrictlyGrowing(idsAt(walked));
      }),
    );
  });

  it('is another one in another process at the same time', () => {
    expect(idsAt([start])).not.toStrictEqual(idsAt([start]));
  });

  it('takes chance that no id before it took, however many there are', () => {
    const ids = idsAt(Array.from({ length: 2_000 }, () => start));
    expect(new Set(ids.map((id) => id.slice(19))).size).toBe(2_000);
  });

  it('tells its time', () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(time, (ms) => {
        expect(idsAt([ms]).map((id) => uuidV7TimeMs(id))).toStrictEqual([ms]);
      }),
    );
  });

  it('is the only one that does', () => {
    expect(uuidV7TimeMs('d9966a7e-5f12-5142-87b6-735defaf29ff')).toBeUndefined();
    expect(uuidV7TimeMs('6f1c2b1e-9d0c-4e0f-a3b7-5a1d8c4e7f20')).toBeUndefined();
  });
});

describe('a UUIDv5', () => {
  // Literals made with Python's uuid.uuid5: these ids stand in logs and must never change.
  it('is the same for the same parts, everywhere and for ever', () => {
    expect(uuidV5('default', 'emails')).toBe('d9966a7e-5f12-5142-87b6-735defaf29ff');
    expect(uuidV5('x')).toBe('0f9ae3cc-e3ba-5a02-93c5-e8ebf197c730');
    expect(uuidV5('é', 1, 7)).toBe('dec14e99-6945-5bd3-af29-a50b0cf4404d');
  });

  it('is another one for other parts, also where they run together', () => {
    const ids = [uuidV5('a', 'bc'), uuidV5('ab', 'c'), uuidV5('abc'), uuidV5('bc', 'a')];
    expect(new Set(ids).size).toBe(4);
  });

  it('has the version and the variant in their places', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (text, number) => {
        expect(uuidV5(text, number)).toMatch(/^.{14}5.{4}[89ab]/);
        expect(isUuid(uuidV5(text, number))).toBe(true);
      }),
    );
  });
});

describe('isUuid', () => {
  it('takes the canonical lower-case form only', () => {
    const id = 'd9966a7e-5f12-5142-87b6-735defaf29ff';
    expect(isUuid(id)).toBe(true);
    for (const other of [id.toUpperCase(), `{${id}}`, ` ${id}`, `${id}\n`, id.slice(1), '']) {
      expect(isUuid(other)).toBe(false);
    }
    expect(isUuid(id.replaceAll('-', ''))).toBe(false);
    expect(isUuid(id.replace('-', ''))).toBe(false);
  });
});

describe('sha256', () => {
  it('hashes the UTF-8 form, into lower-case hex', () => {
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256('é')).toBe('4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c');
  });
});
