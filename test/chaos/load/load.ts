import type { ClientRecord } from '../../../src/verify/safety/witnesses/client-record.ts';
import type { Chance } from '../chance.ts';
import type { RecordFile } from '../processes/record-file.ts';
import type { Caller } from './http-caller.ts';
import type { Ledger } from './ledger.ts';
import { type Act, type Acts, createActs } from './acts.ts';

/** Clients that submit, cancel, pause and retry, whatever happens to those they talk to. */
export interface Load {
  /** Acts that could not be begun because too many wait for an answer. */
  readonly shed: number;
  /** See Acts. */
  readonly submit: Acts['submit'];
  readonly submitBatch: Acts['submitBatch'];
  /** Ends it: no act begins any more, and those under way are waited for. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly caller: Caller;
  readonly ledger: Ledger;
  readonly records: RecordFile<ClientRecord>;
  readonly chance: Chance;
  /** Acts per second. */
  readonly rate: number;
}

const MAX_UNDER_WAY = 150;

export function startLoad(options: LoadOptions): Load {
  const { chance, rate } = options;
  const acts = createActs(options);
  const underWay = new Set<Promise<void>>();
  let shed = 0;
  const begin = (act: Act) => {
    if (underWay.size >= MAX_UNDER_WAY) {
      shed += 1;
      return;
    }
    const running = act().finally(() => underWay.delete(running));
    underWay.add(running);
  };
  let timer: NodeJS.Timeout | undefined;
  const next = () => {
    timer = setTimeout(next, (2_000 / rate) * chance.next());
    begin(acts.draw());
  };
  next();
  return {
    get shed() {
      return shed;
    },
    submit: (type, queue, ms) => acts.submit(type, queue, ms),
    submitBatch: (count) => acts.submitBatch(count),
    async stop() {
      clearTimeout(timer);
      await Promise.all(underWay);
      await acts.finish();
    },
  };
}
