import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWriteToken, parseWriteToken } from '../../../src/domain/write-token.ts';

const streamId = '019b76da-a800-7000-8000-000000000001';

describe('a write token', () => {
  // Literal, because clients keep tokens over upgrades.
  it('is epoch, stream and version, with dots between', () => {
    const token = { epoch: 3, streamId, version: 17 };
    expect(formatWriteToken(token)).toBe(`3.${streamId}.17`);
    expect(parseWriteToken(`3.${streamId}.17`)).toStrictEqual(token);
  });

  it('is read as it was written', () => {
    const number = fc.nat(999_999_999);
    fc.assert(
      fc.property(number, fc.uuid(), number, (epoch, id, version) => {
        const token = { epoch, streamId: id, version };
        expect(parseWriteToken(formatWriteToken(token))).toStrictEqual(token);
      }),
    );
  });

  it.each([
    '',
    streamId,
    `1.${streamId}`,
    `1.${streamId}.`,
    `.${streamId}.1`,
    `1.${streamId}.1.1`,
    `1.${streamId}.-1`,
    `1.${streamId}.1e3`,
    `1.${streamId}.0x1`,
    `1.5.${streamId}.1`,
    `1.${streamId}.1\n`,
    ` 1.${streamId}.1`,
    `1.${streamId.toUpperCase()}.1`,
    `1.${streamId.replaceAll('-', '')}.1`,
    `1.${streamId.slice(1)}.1`,
    `1.${streamId}.1000000000`,
    `1000000000.${streamId}.1`,
  ])('is not anything else: %j', (text) => {
    expect(parseWriteToken(text)).toBeUndefined();
  });
});
