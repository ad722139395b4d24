import type { JobLabels } from '../kernel/observer.ts';

/** JobLabels as prom-client takes them: an alias, because an interface has no index signature. */
type LabelPair = { queue: string; type: string };

/** What stands for everything beyond the limit. */
const OTHER: LabelPair = { queue: 'other', type: 'other' };

/**
 * Keeps the number of label pairs bounded, whatever names users make up: beyond `maxPairs` of them
 * every further one counts as `other`. Answers the same object for the same names.
 */
export function createLabelLimit(maxPairs: number): (labels: JobLabels) => LabelPair {
  const known = new Map<string, Map<string, LabelPair>>();
  let pairs = 0;
  return ({ queue, type }) => {
    const types = known.get(queue);
    const found = types?.get(type);
    if (found !== undefined) return found;
    if (pairs >= maxPairs) return OTHER;
    pairs += 1;
    const kept = { queue, type };
    if (types === undefined) known.set(queue, new Map([[type, kept]]));
    else types.set(type, kept);
    return kept;
  };
}
