import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSseParser } from '../../../src/client/sse-parser.ts';

const stream =
  'retry: 2000\n\n: heartbeat v1.1.3\nid: v1.1.3\n\nid: v1.1.4\ndata: {"a":1}\n\nevent: gap\nid:v1.1.4\ndata: one\ndata: two\n\n';
const blocks = [
  { event: 'message', id: undefined, data: undefined, retryMs: 2000 },
  { event: 'message', id: 'v1.1.3', data: undefined, retryMs: undefined },
  { event: 'message', id: 'v1.1.4', data: '{"a":1}', retryMs: undefined },
  { event: 'gap', id: 'v1.1.4', data: 'one\ntwo', retryMs: undefined },
];

describe('a stream', () => {
  it.each([
    ['line feeds', '\n'],
    ['carriage returns', '\r'],
    ['both', '\r\n'],
  ])('with %s gives its blocks, however it is cut', (_, lineEnd) => {
    const text = stream.replaceAll('\n', lineEnd);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const parse = createSseParser();
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
        // What follows shows that the last line break of the stream was one.
        const found = [...pieces, ':'].flatMap((piece) => parse(piece));
        expect(found).toEqual(blocks);
      }),
    );
  });

  it('gives no block before it is whole', () => {
    const parse = createSseParser();
    expect(parse('data: x\n')).toEqual([]);
    expect(parse('\n')).toHaveLength(1);
  });
});
