/** Positions from 1 to an end, a bit for each: two million of them take a quarter of a MiB. */
export class PositionSet {
  readonly #bits: Uint8Array;
  readonly #last: bigint;

  constructor(last: bigint) {
    this.#last = last;
    this.#bits = new Uint8Array(Number(last / 8n) + 1);
  }

  /** False where it was there already, or lies beyond the end. */
  add(position: bigint): boolean {
    if (position < 1n || position > this.#last) return false;
    const at = Number(position);
    const bit = 1 << (at % 8);
    const before = this.#bits[Math.floor(at / 8)] ?? 0;
    this.#bits[Math.floor(at / 8)] = before | bit;
    return (before & bit) === 0;
  }

  has(position: bigint): boolean {
    const at = Number(position);
    return ((this.#bits[Math.floor(at / 8)] ?? 0) & (1 << (at % 8))) !== 0;
  }
}
