import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../../src/daybook.ts';
import { uuidV5 } from '../../../src/kernel/ids.ts';
import { drain } from '../../../src/testing.ts';
import { openTestDaybook, type TestDaybook } from '../../support/open-daybook.ts';

let daybook: TestDaybook;
afterEach(() => daybook.close());

const children: string[] = [];
/** Submits a job of the type below it, after a turn of the event loop. */
const parent = (type: string, child: string | null) =>
  defineJob({
    type,
    payload: z.unknown(),
    handler: async () => {
      if (child === null) return;
      await turn();
      children.push((await daybook.submit({ type: child })).id);
    },
  });
const jobs = [parent('grandparent', 'parent'), parent('parent', 'child'), parent('child', null)];

const claimOf = async (id: string) => {
  const claimed = (await daybook.history(id)).find(({ type }) => type === 'JobClaimed');
  return uuidV5(id, claimed?.epoch ?? 0, claimed?.version ?? 0);
};
const birthOf = async (id: string | undefined) => (await daybook.history(id ?? ''))[0];

it.each(['a worker', 'drain'])(
  'what handlers submit names its chain and its cause, run by %s',
  async (by) => {
    daybook = await openTestDaybook({ jobs });
    children.length = 0;
    const { id } = await daybook.submit({ type: 'grandparent' });
    const named = await daybook.submit({ type: 'parent', correlationId: 'order-7' });
    if (by === 'drain') await drain(daybook);
    else await daybook.worker({ concurrency: 2 }).start();
    await daybook.waitFor(id);
    await daybook.waitFor(named.id);
    const ofParent = [];
    // Grows while it is gone through: a job that has completed has submitted its child.
    for (const child of children) {
      await daybook.waitFor(child);
      ofParent.push({ child, birth: await birthOf(child) });
    }
    const own = ofParent.find(({ birth }) => birth?.jobType === 'parent');
    expect(own?.birth).toMatchObject({ correlation: id, causation: await claimOf(id) });
    const foreign = ofParent.find(({ birth }) => birth?.correlation === 'order-7');
    expect(foreign?.birth).toMatchObject({ jobType: 'child', causation: await claimOf(named.id) });
    const last = await birthOf(
      children.find((each) => each !== own?.child && each !== foreign?.child),
    );
    expect(last).toMatchObject({ correlation: id, causation: await claimOf(own?.child ?? '') });
    // Outside of handlers nothing is inherited.
    expect(await birthOf(id)).toMatchObject({ correlation: null, causation: null });
  },
);
