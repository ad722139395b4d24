import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type NumberedLine, numberedLines } from '../../../src/transfer/numbered-lines.ts';

async function* pieces(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

async function linesOf(...chunks: Uint8Array[]): Promise<NumberedLine[]> {
  const lines: NumberedLine[] = [];
  for await (const some of numberedLines(pieces(...chunks))) lines.push(...some);
  return lines;
}

it('gives the lines of bytes that are cut anywhere', async () => {
  const text = fc.array(fc.constantFrom('a', 'ü', '😀', '\n', '\n\n'), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (words, size) => {
      const bytes = Buffer.from(words.join(''));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      const lines = await linesOf(...chunks);
      const expected = words.join('').split('\n');
      const last = expected.pop();
      expect(lines.filter(({ ended }) => ended).map((line) => line.text)).toEqual(expected);
      expect(lines.find(({ ended }) => !ended)?.text ?? '').toBe(last);
      expect(lines.map(({ number }) => number)).toEqual(lines.map((_, index) => index + 1));
    }),
  );
});

it('refuses what is no UTF-8, and names the line', async () => {
  await expect(linesOf(Buffer.from('a\n'), Buffer.from([0xff, 10]))).rejects.toMatchObject({
    code: 'source-refused',
    message: 'Line 2: it is no UTF-8. Nothing was restored.',
  });
});

it('does not keep a line that never ends', async () => {
  const chunk = Buffer.alloc(8 * 1_048_576, 'a');
  await expect(linesOf(chunk, chunk, chunk, chunk, chunk)).rejects.toMatchObject({
    code: 'source-refused',
    message: expect.stringMatching(/^Line 1: it is longer than/) as string,
  });
});
