import { setTimeout as wait } from 'node:timers/promises';
import { type Chance, createChance } from '../chance.ts';
import { monotonicMs } from '../monotonic.ts';
import type { Pulse, Signs } from '../world/pulse.ts';
import type { Fault, Situation } from './fault.ts';

/** A fault that was inflicted, and what came after. Times in ms. */
export interface Infliction {
  readonly name: string;
  readonly what: string;
  /** From the start of the run. */
  readonly at: number;
  readonly lasted: number;
  /** The longest time without a completion, from its beginning until all was well. */
  readonly silence: number;
  /** From its end to each sign of life; null for one that did not come for too long. */
  readonly recovery: Readonly<Record<keyof Signs, number | null>>;
}

export interface SeriesOptions {
  readonly faults: readonly Fault[];
  readonly situation: Omit<Situation, 'chance'>;
  readonly pulse: Pulse;
  readonly seed: number;
  readonly durationMs: number;
  /** How many are inflicted at the same time, at the most. */
  readonly together: number;
  readonly onInflicted: (infliction: Infliction) => void;
}

/** A backlog as small as this one is none: what the load brings by itself. */
const USUAL_BACKLOG = 40;
const LOOK_EVERY_MS = 50;

/**
 * Inflicts faults, drawn like cards: each comes once before any comes again. The next are drawn when
 * the last have been recovered from. What is drawn hangs on the seed alone.
 */
export async function inflictSeries(options: SeriesOptions): Promise<Infliction[]> {
  const { situation, pulse, durationMs } = options;
  const { tempo } = situation.world;
  const startedAt = monotonicMs();
  const done: Infliction[] = [];
  const draw = dealer(options);
  while (monotonicMs() - startedAt < durationMs) {
    const limit = Math.max(USUAL_BACKLOG, pulse.recentBacklog());
    const inflict = async ({ fault, chance }: Drawn) => {
      const infliction = await inflictOne(fault, { ...situation, chance }, pulse, limit, startedAt);
      done.push(infliction);
      options.onInflicted(infliction);
    };
    await Promise.all(draw().map(inflict));
    await wait(tempo.pauseMs);
  }
  return done;
}

interface Drawn {
  readonly fault: Fault;
  readonly chance: Chance;
}

function dealer({ faults, seed, together }: SeriesOptions): () => Drawn[] {
  const chance = createChance(seed);
  let deck: Fault[] = [];
  const one = (): Drawn => {
    if (deck.length === 0) deck = chance.shuffle(faults);
    const fault = deck.pop();
    if (fault === undefined) throw new Error('There are no faults to draw from.');
    return { fault, chance: createChance(chance.between(0, 2 ** 31)) };
  };
  return () => Array.from({ length: chance.between(1, together) }, one);
}

async function inflictOne(
  fault: Fault,
  situation: Situation,
  pulse: Pulse,
  limit: number,
  startedAt: number,
): Promise<Infliction> {
  const { patienceMs } = situation.world.tempo;
  const beganAt = monotonicMs();
  const { what, later } = await fault.inflict(situation);
  const endedAt = monotonicMs();
  const [signs, more] = await Promise.all([untilWell(pulse, endedAt, limit, patienceMs), later]);
  const since = (at: number | null) => (at === null ? null : at - endedAt);
  return {
    name: fault.name,
    what: more === undefined ? what : `${what}; ${more}`,
    at: beganAt - startedAt,
    lasted: endedAt - beganAt,
    silence: pulse.silence(beganAt, monotonicMs()),
    recovery: {
      completion: since(signs.completion),
      workers: since(signs.workers),
      apis: since(signs.apis),
      log: since(signs.log),
      backlog: since(signs.backlog),
    },
  };
}

/** Waits until all signs of life have come, or for too long. */
export async function untilWell(
  pulse: Pulse,
  since: number,
  backlog: number,
  patienceMs: number,
): Promise<Signs> {
  for (;;) {
    const signs = pulse.signsAfter(since, backlog);
    const isWell = Object.values(signs).every((at) => at !== null);
    if (isWell || monotonicMs() - since > patienceMs) return signs;
    await wait(LOOK_EVERY_MS);
  }
}
