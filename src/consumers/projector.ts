import { createLoop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import type { Build } from './builds/build.ts';
import { isProjection } from './consumer.ts';
import { createReadingTurns } from './reading-turns.ts';
import {
  type BuildLoop,
  createBuildLoop,
  type ProjectorOptions,
  usualEveryMs,
} from './reading/build-loop.ts';
import { createEventReader } from './reading/event-reader.ts';
import { createReadModelReader } from './reading/read-model-reader.ts';
import { listBuilds } from './statements/list-builds.ts';

/** How often builds are looked for that another process has begun or ended; a hint makes it at once. */
const LOOK_EVERY_MS = 1_000;

/**
 * Keeps consumers up with the log: each build that this process knows how to read for has a loop of its
 * own, so that one that fails, or is slow, holds up no other. Of all processes one at a time reads for a
 * build; two at once do no harm, as a batch counts only if the checkpoint still stands where it began.
 */
export function createProjector(options: ProjectorOptions): Service {
  const { database, wakeUp, observer, clock, random, consumers } = options;
  const loops = new Map<string, BuildLoop>();
  const known = new Map(consumers.map((consumer) => [consumer.name, consumer]));
  const building = createReadingTurns(1);
  let stopListening: readonly (() => void)[] = [];

  async function look(): Promise<void> {
    const builds = await database.run(listBuilds, { name: null });
    const present = new Set(builds.map(keyOf));
    for (const [key, loop] of loops) {
      if (present.has(key)) continue;
      loops.delete(key);
      await loop.stop();
    }
    for (const build of builds) {
      const loop = loops.has(keyOf(build)) ? undefined : loopFor(build);
      if (loop === undefined) continue;
      loops.set(keyOf(build), loop);
      await loop.start();
    }
  }

  function loopFor(build: Build): BuildLoop | undefined {
    const consumer = known.get(build.name);
    if (consumer === undefined) return undefined;
    if (isProjection(consumer)) {
      const { everyMs = usualEveryMs } = consumer;
      const reader = createReadModelReader(build);
      return createBuildLoop({ ...options, everyMs, building }, reader, undefined);
    }
    if (build.version !== consumer.version) return undefined;
    const reader = createEventReader(consumer, build.build);
    return createBuildLoop({ ...options, everyMs: usualEveryMs, building }, reader, consumer);
  }

  const supervisor = createLoop({
    name: 'projector',
    clock,
    random,
    step: async () => {
      await look();
      return LOOK_EVERY_MS;
    },
    onError: (error) => observer.warn('the builds of consumers could not be listed', { error }),
  });

  return {
    name: 'projector',
    async start() {
      const wakeAll = () => {
        for (const loop of loops.values()) loop.wake();
      };
      stopListening = [
        wakeUp.on('log', wakeAll),
        wakeUp.on('consumers', () => {
          supervisor.wake();
          wakeAll();
        }),
      ];
      await supervisor.start();
    },
    async stop() {
      for (const stop of stopListening) stop();
      await supervisor.stop();
      await Promise.all([...loops.values()].map((loop) => loop.stop()));
      loops.clear();
    },
  };
}

function keyOf({ name, build }: Build): string {
  return `${name} ${build}`;
}
