import type { Chance } from './chance.ts';
import type { Mutation } from './model/mutations.ts';
import { createModel, type Model, type Transaction } from './model/transactions.ts';
import { type Steps, until, type World } from './world.ts';

/** How the way between clients and the database is. */
export interface Weather {
  /** Of messages, each way: the share that is lost, and of requests the share that comes twice. */
  readonly lostShare: number;
  readonly twiceShare: number;
  /** The longest that a message takes, in ms. */
  readonly delayMs: number;
  /** Of statements, the share that is slow: before the first lock, and before the commit; and how slow. */
  readonly slowShare: number;
  readonly slowMs: number;
}

export const calm: Weather = {
  lostShare: 0,
  twiceShare: 0,
  delayMs: 2,
  slowShare: 0,
  slowMs: 0,
};

/** What a client gets back: an answer, or the news that its connection is lost. */
export type Answer<Value> =
  | { readonly answered: true; readonly value: Value }
  | { readonly answered: false };

/** A client’s way to the database. */
export interface Link {
  /** While it is cut, nothing gets through. */
  cut: boolean;
  /** Runs a statement in a transaction of its own. */
  call<Value>(statement: (tx: Transaction) => Steps<Value>): Steps<Answer<Value>>;
}

/** The database as clients see it. */
export interface Server {
  readonly model: Model;
  weather: Weather;
  link(): Link;
  /** Ends every transaction that is open: their clients lose the connection. */
  terminateAll(): void;
  /** Opens a transaction that has an id, writes nothing, and is rolled back. */
  idle(ms: number): void;
}

/** After so long a client takes its connection for lost, in ms. */
const PATIENCE_MS = 1_000;

export function createServer(world: World, chance: Chance, mutation: Mutation | null): Server {
  const model = createModel(world, mutation);
  const machine = world.group();
  /** How to end each transaction that is open. */
  const open = new Set<() => void>();
  const server: Server = {
    model,
    weather: calm,
    link() {
      const link: Link = {
        cut: false,
        call: (statement) => until((done) => send(link, statement, done)),
      };
      return link;
    },
    terminateAll() {
      for (const end of open) end();
    },
    idle(ms) {
      const tx = model.begin();
      tx.xid();
      world.after(ms, () => tx.end(false));
    },
  };

  function send<Value>(
    link: Link,
    statement: (tx: Transaction) => Steps<Value>,
    done: (answer: Answer<Value>) => void,
  ): void {
    const { lostShare, twiceShare, delayMs } = server.weather;
    world.after(PATIENCE_MS, () => done({ answered: false }));
    const deliver = (reply: (answer: Answer<Value>) => void) => {
      if (link.cut || chance.happens(lostShare)) return;
      world.after(chance.between(0, delayMs), () => serve(statement, reply));
    };
    deliver((answer) => {
      if (link.cut || chance.happens(lostShare)) return;
      world.after(chance.between(0, delayMs), () => done(answer));
    });
    if (chance.happens(twiceShare)) deliver(() => undefined);
  }

  function serve<Value>(
    statement: (tx: Transaction) => Steps<Value>,
    reply: (answer: Answer<Value>) => void,
  ): void {
    const tx = model.begin();
    const end = () => {
      open.delete(end);
      stop();
      tx.end(false);
      reply({ answered: false });
    };
    function* run(): Steps {
      const { slowShare, slowMs } = server.weather;
      yield* sleep(chance.between(0, chance.happens(slowShare) ? slowMs : 2));
      const value = yield* statement(tx);
      if (mutation === 'answered-before-commit') reply({ answered: true, value });
      yield* sleep(chance.between(0, chance.happens(slowShare) ? slowMs : 2));
      open.delete(end);
      tx.end(true);
      reply({ answered: true, value });
    }
    const stop = machine.spawn(run());
    open.add(end);
  }

  function sleep(ms: number): Steps {
    return until((done) => world.after(ms, () => done(undefined)));
  }
  return server;
}
