import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Delivery } from '../../../src/consumers/groups/receive.ts';
import type { SubscriptionControl } from '../../../src/consumers/groups/subscription-control.ts';
import { submitMany } from '../../support/job-steps.ts';
import { expectOrder, wholeLog } from '../../support/log-steps.ts';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts';
import { cancelJobs, controlOf, memberOf } from './group-steps.ts';

const GROUP = 'torture';
const JOBS = 240;
const MEMBERS = 6;

let db: TestDatabase;
let controls: SubscriptionControl[];
beforeAll(async () => {
  db = await createTestDatabase({ sequencer: true });
  const others = [await db.anotherProcess(), await db.anotherProcess()];
  controls = [db, ...others].map((process) => controlOf(process));
  await controls[0]?.put(GROUP, { ackTimeoutMs: 150, maxAttempts: 3, maxInFlight: 40 });
});
afterAll(() => db.drop());

/** What happened, in the order in which this process saw or did it. */
interface Story {
  /** By position: the moment at which an answer that settles was sent, and how often it was recorded. */
  readonly sent: Map<bigint, number>;
  readonly recorded: Map<bigint, number>;
  /** What was handed out: when, and how far its stream had come. */
  readonly handed: { readonly at: number; readonly event: Delivery['event'] }[];
  readonly marks: { readonly at: number; readonly position: bigint }[];
  now: number;
}

/** One who works, and does every wrong thing that a member may do. */
async function work(control: SubscriptionControl, name: string, story: Story, over: () => boolean) {
  const member = memberOf(control, GROUP, name);
  while (!over()) {
    const deliveries = await member.take(1 + Math.floor(Math.random() * 12));
    story.now += 1;
    for (const { event } of deliveries) story.handed.push({ at: story.now, event });
    for (const delivery of deliveries) {
      const die = Math.random();
      if (die < 0.05) continue;
      if (die < 0.1) await member.answer('park', [delivery]);
      else if (die < 0.2) await member.answer('retry', [delivery], { delayMs: 3 });
      else
        await settle(story, delivery, () => member.answer(die < 0.25 ? 'skip' : 'ack', [delivery]));
    }
    const { position } = await control.get(GROUP);
    story.now += 1;
    story.marks.push({ at: story.now, position });
  }
}

async function settle(
  story: Story,
  { event: { position } }: Pick<Delivery, 'event'>,
  answer: () => Promise<readonly { readonly outcome: string }[]>,
) {
  story.now += 1;
  if (!story.sent.has(position)) story.sent.set(position, story.now);
  const [done] = await answer();
  if (done?.outcome === 'recorded') {
    story.recorded.set(position, (story.recorded.get(position) ?? 0) + 1);
  }
}

/** An operator, who has half of what is parked handed out again, and gives up the rest. */
async function operate(control: SubscriptionControl, story: Story) {
  const parked = await control.parked(GROUP, 0n, 100);
  for (const { position, streamId, state } of parked) {
    if (state === 'behind') continue;
    if (Math.random() < 0.5) {
      await control.replayParked(GROUP, streamId);
      continue;
    }
    story.now += 1;
    if (!story.sent.has(position)) story.sent.set(position, story.now);
    const skipped = await control.skipParked(GROUP, streamId);
    story.recorded.set(position, (story.recorded.get(position) ?? 0) + skipped);
  }
}

it('settles every event once and in order, whatever members do', async () => {
  const story: Story = { sent: new Map(), recorded: new Map(), handed: [], marks: [], now: 0 };
  let written = false;
  const over = () => written && story.recorded.size >= 2 * JOBS + 1;
  const members = Array.from({ length: MEMBERS }, (_, index) =>
    work(controls[index % controls.length] as SubscriptionControl, `m${index}`, story, over),
  );
  const operator = (async () => {
    while (!over()) await operate(controls[1] as SubscriptionControl, story);
  })();
  for (let jobs = 0; jobs < JOBS; jobs += 20) await cancelJobs(db, await submitMany(db, 20));
  written = true;
  await Promise.all([...members, operator]);

  const log = await wholeLog(db.database);
  expectOrder(log);
  const positions = log.map(({ position }) => position as bigint);
  expect(positions.filter((position) => story.recorded.get(position) !== 1)).toEqual([]);
  expect(tooEarly(story, log)).toEqual([]);
  expect(unsettledBelow(story, positions)).toEqual([]);
  expect(await controls[0]?.get(GROUP)).toMatchObject({
    position: positions.at(-1),
    inFlight: 0,
    waiting: 0,
    behind: 0,
    parked: 0,
  });
}, 300_000);

/** Events handed out before all earlier ones of their stream had been answered for good. */
function tooEarly(story: Story, log: Awaited<ReturnType<typeof wholeLog>>) {
  const before = new Map<string, bigint>();
  const last = new Map<string, bigint>();
  for (const { stream_id, version, position } of log) {
    const earlier = last.get(stream_id);
    if (earlier !== undefined) before.set(`${stream_id} ${version}`, earlier);
    last.set(stream_id, position as bigint);
  }
  return story.handed.filter(({ at, event }) => {
    const earlier = before.get(`${event.streamId} ${event.version}`);
    return earlier !== undefined && (story.sent.get(earlier) ?? Infinity) > at;
  });
}

/** Positions that the subscription said it was past before they were answered. */
function unsettledBelow({ marks, sent }: Story, positions: readonly bigint[]) {
  return marks.flatMap((mark) =>
    positions
      .filter((position) => position <= mark.position)
      .filter((position) => (sent.get(position) ?? Infinity) > mark.at),
  );
}
