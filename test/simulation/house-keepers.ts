import type { Chance } from './chance.ts';
import { expireClaims } from './model/expire-claims.ts';
import { sequenceInbox } from './model/sequence-inbox.ts';
import type { Server } from './server.ts';
import { sleep } from './worker.ts';
import type { Steps, World } from './world.ts';

interface Surroundings {
  readonly world: World;
  readonly chance: Chance;
  readonly server: Server;
}

const EXPIRY_MS = 500;
const BATCH = 3;

/** A caretaker; two at once must harm nobody, so none asks for the duty. */
export function* takeCare({ world, chance, server }: Surroundings): Steps {
  const link = server.link();
  for (;;) {
    yield* sleep(world, chance.between(EXPIRY_MS / 2, EXPIRY_MS));
    yield* link.call((tx) => expireClaims(tx, BATCH));
  }
}

/** Numbers of the inbox that one batch looks at: few, so that windows end in the middle of things. */
const WINDOW = 4;

/** A sequencer; two at once must harm nobody either. */
export function* sequence({ world, chance, server }: Surroundings): Steps {
  const link = server.link();
  const { model } = server;
  let tick = 0;
  for (;;) {
    // Mostly it is hinted at; without a hint it looks now and then.
    const isHinted = model.tables.inbox.size > 0;
    yield* sleep(world, isHinted ? chance.between(1, 120) : chance.between(100, 600));
    const known = tick;
    const answer = yield* link.call((tx) => sequenceInbox(tx, known, WINDOW, model.log));
    if (answer.answered) tick = answer.value;
  }
}
