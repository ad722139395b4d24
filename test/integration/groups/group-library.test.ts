import { expect, it, vi } from 'vitest';
import { openTestDaybook } from '../../support/open-daybook.ts';

it('a group is there for programs that hold a Daybook', async () => {
  const daybook = await openTestDaybook();
  const { subscriptions } = daybook;
  const { created } = await subscriptions.put('mine', { filter: { eventTypes: ['JobSubmitted'] } });
  expect(created).toBe(true);
  const { id } = await daybook.submit({ type: 'x' });
  const deliveries = await vi.waitFor(async () => {
    const received = await subscriptions.receive('mine', { member: 'me', limit: 10 });
    expect(received.deliveries).toHaveLength(1);
    return received.deliveries;
  });
  expect(deliveries).toMatchObject([{ attempt: 1, event: { streamId: id, type: 'JobSubmitted' } }]);
  const acks = deliveries.map(({ delivery }) => ({ delivery, action: 'ack' as const }));
  expect(await subscriptions.settle('mine', acks)).toMatchObject([{ outcome: 'recorded' }]);
  expect(await subscriptions.get('mine')).toMatchObject({ inFlight: 0, moving: true });
  expect(daybook.warnings).toEqual([]);
  await daybook.close();
});
