import { setTimeout as wait } from 'node:timers/promises';
import { nameOf, readWitness, type WitnessedEvent } from '../world/witness.ts';
import type { World } from '../world/world.ts';
import type { LogReader } from './log-reader.ts';

const POLL_MS = 10;

/**
 * The reader that everybody writes first: `id > cursor`, by the numbers that were drawn when the events
 * were inserted. It loses those that commit later than their neighbours. Only for runs that must fail.
 */
export function startNaiveReader(name: string, world: World): LogReader {
  const seen = new Set<string>();
  let cursor = 0n;
  const over = new AbortController();

  async function look(): Promise<number> {
    const found: WitnessedEvent[] = await readWitness(world.admin, cursor).catch(() => []);
    for (const event of found) seen.add(nameOf(event));
    cursor = found.at(-1)?.seq ?? cursor;
    return found.length;
  }

  async function read(): Promise<void> {
    while (!over.signal.aborted) {
      await look();
      await wait(POLL_MS);
    }
    // What is there by now, it gets.
    while ((await look()) > 0);
  }

  const reading = read();
  return {
    name,
    pause: () => undefined,
    resume: () => undefined,
    async finish() {
      over.abort();
      await reading;
      const all = await allWitnessed(world);
      const missed = all.filter((event) => !seen.has(nameOf(event)));
      const wrong = missed.map((event) => `it never got ${nameOf(event)} (seq ${event.seq})`);
      return { name, events: seen.size, lost: 0, wrong };
    },
  };
}

async function allWitnessed({ admin }: World): Promise<WitnessedEvent[]> {
  const all: WitnessedEvent[] = [];
  for (;;) {
    const more = await readWitness(admin, all.at(-1)?.seq ?? 0n);
    if (more.length === 0) return all;
    all.push(...more);
  }
}
