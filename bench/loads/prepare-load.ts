import type { OpenContender } from '../contenders/contender.ts';
import { drain } from './drain.ts';
import { endurance } from './endurance.ts';
import { fullCycle } from './full-cycle.ts';
import { singleSubmits } from './single-submits.ts';
import { submitToStart } from './submit-to-start.ts';
import type { LoadSpec, PreparedLoad } from './load.ts';

/** Warms up and lays out what must be there, without being measured. */
export function prepareLoad(contender: OpenContender, spec: LoadSpec): Promise<PreparedLoad> {
  switch (spec.kind) {
    case 'cycle':
      return fullCycle(contender, spec);
    case 'submits':
      return singleSubmits(contender, spec);
    case 'start':
      return submitToStart(contender, spec);
    case 'drain':
      return drain(contender, spec);
    case 'endurance':
      return endurance(contender, spec);
  }
}
