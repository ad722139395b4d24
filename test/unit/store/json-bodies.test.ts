import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyWriter, type JsonBody } from '../../../src/store/parameters/body-page.ts';
import { JsonBodies, sendable } from '../../../src/store/parameters/json-bodies.ts';

const textOf = (body: JsonBody) => (typeof body === 'string' ? body : body.bytes.toString());
const long = (letter: string, length = 2_000) => JSON.stringify(letter.repeat(length));
const written = (texts: readonly string[], expected = texts.length): JsonBody[] => {
  const writer = new BodyWriter(expected);
  return texts.map((text) => writer.write(text));
};
const pagesOf = (bodies: readonly JsonBody[]) =>
  new Set(bodies.flatMap((body) => (typeof body === 'string' ? [] : [body.page])));

describe('a column of bodies', () => {
  it('is laid out as Postgres reads an array of json', () => {
    const bytes = new JsonBodies(['1', '"€"']).bytes();
    const head = ['00000001', '00000000', '00000072', '00000002', '00000001'];
    const elements = ['00000001', '31', '00000005', '22e282ac22'];
    expect(bytes.toString('hex')).toBe([...head, ...elements].join(''));
  });

  it('holds NULL in place of a body that is not there, and null where that is the body', () => {
    const column = new JsonBodies([null, 'null', null]);
    const head = ['00000001', '00000001', '00000072', '00000003', '00000001'];
    const elements = ['ffffffff', '00000004', '6e756c6c', 'ffffffff'];
    expect(column.bytes().toString('hex')).toBe([...head, ...elements].join(''));
    expect(column.text()).toBe('{NULL,"null",NULL}');
  });

  it('holds NULLs between bodies of a page', () => {
    const [first = '1', second = '2'] = written([long('a'), long('b')]);
    for (const bodies of [
      [null, first, second],
      [first, null, second],
      [first, second, null],
    ]) {
      const texts = bodies.map((body) => (body === null ? null : textOf(body)));
      const copied = new JsonBodies(bodies).bytes();
      expect(copied.equals(new JsonBodies(texts).bytes())).toBe(true);
    }
  });

  it('quotes in an array literal what would end an element', () => {
    expect(new JsonBodies([String.raw`{"a":"\"\\"}`]).text()).toBe(
      String.raw`{"{\"a\":\"\\\"\\\\\"}"}`,
    );
  });

  it('is bytes where those are taken, else a text; other parameters are what they were', () => {
    const column = new JsonBodies(['1']);
    expect(sendable(column, true)).toBeInstanceOf(Buffer);
    expect(sendable(column, false)).toBe('{"1"}');
    expect(sendable('{1}', true)).toBe('{1}');
  });

  it('is the page itself where that holds these bodies and no others, in this order', () => {
    const bodies = written([long('a'), long('b')]);
    const { buffer } = new JsonBodies(bodies).bytes();
    const inPage = (body: JsonBody) => typeof body !== 'string' && body.bytes.buffer === buffer;
    expect(bodies.every(inPage)).toBe(true);
  });

  const pick = (bodies: readonly JsonBody[], ...places: number[]) =>
    places.flatMap((place) => bodies[place] ?? []);

  it.each([
    ['the first of a page', [0]],
    ['the last of a page', [1]],
    ['a page in another order', [1, 0]],
    ['a page twice', [0, 1, 0, 1]],
  ])('holds %s', (_, places) => {
    const chosen = pick(written([long('a'), long('b')]), ...places);
    const copied = new JsonBodies(chosen).bytes();
    expect(copied.equals(new JsonBodies(chosen.map(textOf)).bytes())).toBe(true);
    expect(pagesOf(chosen).size).toBe(1);
  });

  it('holds pages of several submissions, and texts that are too short for one', () => {
    const bodies = [...written([long('a'), '1', long('€')]), ...written([long('b')])];
    expect(pagesOf(bodies).size).toBe(2);
    const copied = new JsonBodies(bodies).bytes();
    expect(copied.equals(new JsonBodies(bodies.map(textOf)).bytes())).toBe(true);
  });
});

describe('bodies that are written together', () => {
  it('lie in one page where they are of one length, in whatever script', () => {
    for (const letter of ['a', 'é', '€', '𝄞']) {
      const texts = Array.from({ length: 50 }, () => long(letter));
      expect(written(texts).map(textOf)).toEqual(texts);
    }
    expect(pagesOf(written(Array.from({ length: 50 }, () => long('a')))).size).toBe(1);
  });

  it('are what they were, however long and however many', () => {
    const text = fc
      .tuple(fc.constantFrom('a', 'é', '€', '𝄞', '"', '\\'), fc.nat({ max: 9_000 }))
      .map(([letter, length]) => long(letter, length));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), fc.nat({ max: 40 }), (texts, expected) => {
        const bodies = written(texts, expected);
        expect(bodies.map(textOf)).toEqual(texts);
        const bytes = new JsonBodies(bodies).bytes();
        expect(bytes.equals(new JsonBodies(texts).bytes())).toBe(true);
      }),
    );
  });
});
