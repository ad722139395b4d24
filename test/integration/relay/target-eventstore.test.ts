import { startKurrentDouble } from '../../support/kurrent-double/kurrent-double.ts';
import type { DoubleControl } from '../../support/kurrent-double/double-control.ts';
import type { Fault } from '../../support/kurrent-double/faults.ts';
import { describeTarget } from './target-conformance.ts';

/** The double in this process. */
async function startDouble(): Promise<DoubleControl> {
  const double = await startKurrentDouble();
  const next: Fault[] = [];
  double.chooseFaults(() => next.shift());
  return {
    url: double.url,
    play(...faults) {
      next.push(...faults);
      return Promise.resolve();
    },
    tombstone: (stream) => Promise.resolve(double.events.tombstone(stream)),
    stop: () => double.stop(),
    start: () => double.start(),
    close: () => double.stop(),
  };
}

describeTarget({ client: 'eventstore', appends: 'batch' }, startDouble);
describeTarget({ client: 'eventstore', appends: 'single' }, startDouble);
