import { expect, it } from 'vitest';
import { spawnDouble } from '../../support/kurrent-double/double-control.ts';
import { openTestDaybook } from '../../support/open-daybook.ts';
import { realServer } from '../../support/relay-settings.ts';
import { differences, openTarget, relayed } from '../../support/relay-steps.ts';
import { describeTarget } from './target-conformance.ts';

describeTarget({ client: 'kurrent', appends: 'batch' }, spawnDouble);
describeTarget({ client: 'kurrent', appends: 'single' }, spawnDouble);

it('relays a log by the successor of the client, and reads it by it', async () => {
  const real = realServer();
  const double = real === undefined ? await spawnDouble() : undefined;
  const url = real ?? double?.url ?? '';
  const daybook = await openTestDaybook({ relay: { url, client: 'kurrent' } });
  const jobs = Array.from({ length: 50 }, (_, n) => ({ type: 'note', payload: { n } }));
  for (const { id } of await daybook.submitMany(jobs)) await daybook.cancel(id);
  await relayed(daybook.db);
  const target = await openTarget(url, 'kurrent');
  expect(await differences(daybook.db, target)).toEqual([]);
  await target.close();
  await daybook.close();
  await double?.close();
});
