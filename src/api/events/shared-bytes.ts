/** Bytes that somebody writes to a connection. */
export interface HeldBytes {
  /** Not to be changed, and not to be looked at after `release`. */
  readonly bytes: Buffer;
  /** To be called once, when they are written or not wanted any more. */
  release(): void;
}

/**
 * Bytes that many connections want at about the same time, made once, in memory that is used again. Left
 * to the garbage collector, what lives for some seconds waits for half a minute to be freed, and leaves
 * holes then: a server of subscribers grew by tens of MB that it did not need.
 */
export interface SharedBytes {
  /**
   * The bytes of some texts, one after the other. Held until they are released.
   * @param key what tells them from others; `version` tells what stands for the same key at another time
   */
  of(key: object, version: object, texts: () => readonly string[]): HeldBytes;
}

/** Room for one piece; what needs more gets memory of its own, which nobody else uses. */
const PIECE_BYTES = 65_536;
/** Bytes of UTF-8 that one UTF-16 unit of a text needs at the most. */
const BYTES_PER_UNIT = 3;

interface Piece {
  readonly version: object;
  readonly memory: Buffer;
  readonly length: number;
  holders: number;
  /** Nobody can find it any more: its memory is free once nobody holds it. */
  forgotten: boolean;
}

/** @param kept pieces that are remembered, the one that was asked for last the longest */
export function createSharedBytes(kept: number): SharedBytes {
  const pieces = new Map<object, Piece>();
  const free: Buffer[] = [];

  function forget(key: object, piece: Piece): void {
    pieces.delete(key);
    piece.forgotten = true;
    if (piece.holders === 0 && free.length < kept) free.push(piece.memory);
  }

  function hold(piece: Piece): HeldBytes {
    piece.holders += 1;
    let held = true;
    return {
      bytes: piece.memory.subarray(0, piece.length),
      release() {
        if (!held) return;
        held = false;
        piece.holders -= 1;
        if (piece.forgotten && piece.holders === 0 && free.length < kept) free.push(piece.memory);
      },
    };
  }

  function make(version: object, texts: readonly string[]): Piece {
    const memory = free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    let length = 0;
    for (const text of texts) length += memory.write(text, length);
    return { version, memory, length, holders: 0, forgotten: false };
  }

  return {
    of(key, version, texts) {
      const known = pieces.get(key);
      if (known !== undefined && known.version === version) {
        // The one that was asked for last is forgotten last.
        pieces.delete(key);
        pieces.set(key, known);
        return hold(known);
      }
      if (known !== undefined) forget(key, known);
      const made = texts();
      const units = made.reduce((sum, text) => sum + text.length, 0);
      if (units * BYTES_PER_UNIT > PIECE_BYTES) return ownBytes(Buffer.from(made.join('')));
      const piece = make(version, made);
      pieces.set(key, piece);
      const [oldest] = pieces;
      if (pieces.size > kept && oldest !== undefined) forget(...oldest);
      return hold(piece);
    },
  };
}

/** Bytes that are nobody else's. */
export function ownBytes(bytes: Buffer): HeldBytes {
  return { bytes, release: () => undefined };
}
