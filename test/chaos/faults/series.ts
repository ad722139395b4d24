import { setTimeout as wait } from 'node:timers/promises';
import { isUnavailable } from '../../../src/store/sqlstate.ts';
import { type Chance, createChance } from '../chance.ts';
import { monotonicMs } from '../monotonic.ts';
import type { Pulse, Signs } from '../world/pulse.ts';
import type { Fault, Inflicted, Situation } from './fault.ts';

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

/** What is inflicted, and when it is enough. */
export type Plan =
  | {
      readonly faults: readonly Fault[];
      /** How many are inflicted at the same time, at the most. */
      readonly together: number;
      readonly durationMs: number;
    }
  /** These, one group after the other. */
  | { readonly groups: readonly (readonly Fault[])[] };

export interface SeriesOptions {
  readonly plan: Plan;
  readonly situation: Omit<Situation, 'chance'>;
  readonly pulse: Pulse;
  readonly seed: number;
  readonly onInflicted: (infliction: Infliction) => void;
}

/** A backlog as small as this one is none: what the load brings by itself. */
const USUAL_BACKLOG = 40;
const LOOK_EVERY_MS = 50;

/** Inflicts one group of faults after the other, each when the last has been recovered from. */
export async function inflictSeries(options: SeriesOptions): Promise<Infliction[]> {
  const { situation, pulse } = options;
  const { tempo } = situation.world;
  const startedAt = monotonicMs();
  const done: Infliction[] = [];
  for (const group of drawn(options.plan, options.seed)) {
    const limit = Math.max(USUAL_BACKLOG, pulse.recentBacklog());
    const inflict = async ({ fault, chance }: Drawn) => {
      const infliction = await inflictOne(fault, { ...situation, chance }, pulse, limit, startedAt);
      done.push(infliction);
      options.onInflicted(infliction);
    };
    await Promise.all(group.map(inflict));
    await wait(tempo.pauseMs);
  }
  return done;
}

interface Drawn {
  readonly fault: Fault;
  readonly chance: Chance;
}

/**
 * Groups of faults, drawn like cards: each comes once before any comes again. What is drawn, and what
 * each fault draws then, hangs on the seed alone.
 */
function* drawn(plan: Plan, seed: number): Generator<Drawn[]> {
  const chance = createChance(seed);
  const withChance = (fault: Fault): Drawn => ({
    fault,
    chance: createChance(chance.between(0, 2 ** 31)),
  });
  if ('groups' in plan) {
    for (const group of plan.groups) yield group.map(withChance);
    return;
  }
  const { faults, together, durationMs } = plan;
  const endsAt = monotonicMs() + durationMs;
  let deck: Fault[] = [];
  while (monotonicMs() < endsAt && faults.length > 0) {
    const group: Drawn[] = [];
    for (let left = chance.between(1, together); left > 0; left -= 1) {
      if (deck.length === 0) deck = chance.shuffle(faults);
      group.push(...deck.splice(0, 1).map(withChance));
    }
    yield group;
  }
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
  const { what, later } = await fault.inflict(situation).catch(cutShort);
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

/** What another fault at the same time does to this one is part of the game. */
function cutShort(error: unknown): Inflicted {
  if (!isUnavailable(error)) throw error;
  return { what: `cut short: ${(error as Error).message}` };
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
