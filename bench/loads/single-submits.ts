import type { OpenContender } from '../contenders/contender.ts';
import { closedLoop } from '../measure/closed-loop.ts';
import type { PreparedLoad, SubmitsSpec } from './load.ts';
import { queueAt } from './warm-up.ts';

/** Callers submit one job after the other, each as soon as its last is accepted. Nothing runs them. */
export async function singleSubmits(
  contender: OpenContender,
  { queues, warmUpSeconds, callers, seconds }: SubmitsSpec,
): Promise<PreparedLoad> {
  const queue = queueAt(queues, 0);
  let n = 0;
  const submit = () => contender.submit({ queue, payload: { n: (n += 1) } });
  await closedLoop(callers, warmUpSeconds, submit);
  return {
    async run() {
      const { samples, ms } = await closedLoop(callers, seconds, submit);
      return { jobs: samples.length, ms, caughtUp: [], samples };
    },
    end: async () => undefined,
  };
}
