// The process that one run of one contender has to itself: does what its parent orders over IPC.

import type { PreparedLoad } from '../loads/load.ts';
import { prepareLoad } from '../loads/prepare-load.ts';
import type { OpenContender } from './contender.ts';
import type { Answer, Answers, Order } from './messages.ts';
import { contenders } from './registry.ts';

let contender: OpenContender | undefined;
let load: PreparedLoad | undefined;

process.on('message', (order: Order) => {
  void obey(order).then(answer, (error: unknown) => {
    answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
// Without a parent there is nobody to measure for.
process.on('disconnect', () => process.exit());

async function obey(order: Order): Promise<Answer> {
  switch (order.step) {
    case 'prepare':
      contender = await (await contenders[order.contender].load()).open(order.place);
      load = await prepareLoad(contender, order.load);
      return answerOf('prepare', null);
    case 'run': {
      const before = process.cpuUsage();
      const result = await prepared().run();
      const { user, system } = process.cpuUsage(before);
      return answerOf('run', { ...result, nodeCpuMs: (user + system) / 1_000 });
    }
    case 'verify':
      await prepared().end();
      return answerOf('verify', (await contender?.verify?.()) ?? null);
    case 'close':
      await contender?.close();
      return answerOf('close', null);
  }
}

function prepared(): PreparedLoad {
  if (load === undefined) throw new Error('Nothing was prepared.');
  return load;
}

function answerOf<Step extends Order['step']>(_step: Step, result: Answers[Step]): Answer {
  return { result };
}

function answer(message: Answer): void {
  process.send?.(message);
}
