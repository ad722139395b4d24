import type { WriteContext } from './commands/write-context.ts';
import { parseOptions, type RelayOptions, relayOptions } from './config/options.ts';
import { prepareConsumers } from './consumers/builds/prepare-consumers.ts';
import type { Consumer } from './consumers/consumer.ts';
import { createProjector } from './consumers/projector.ts';
import type { Clock } from './kernel/clock.ts';
import { DaybookError } from './kernel/errors.ts';
import type { Service } from './kernel/service.ts';
import { createSequencer } from './store/sequencer.ts';
import { channelOf } from './store/wake-up.ts';
import { createCaretaker } from './workers/caretaker.ts';

/** Parts of keeping the house that processes may share out among them. */
export type HouseDuty = 'sequencer' | 'projector' | 'caretaker' | 'relay';

/** Every duty, in the order in which they are taken up. */
export const houseDuties: readonly HouseDuty[] = ['sequencer', 'projector', 'caretaker', 'relay'];

/** @throws DaybookError `invalid-options` for a duty that there is not */
export function dutiesOf(maintain: boolean | readonly HouseDuty[]): readonly HouseDuty[] {
  if (typeof maintain === 'boolean') return maintain ? houseDuties : [];
  const unknown = maintain.find((duty) => !houseDuties.includes(duty));
  if (unknown === undefined) return houseDuties.filter((duty) => maintain.includes(duty));
  const message = `maintain: "${unknown}" is none of ${houseDuties.join(', ')}.`;
  throw new DaybookError('invalid-options', message);
}

export interface House {
  readonly context: WriteContext;
  readonly consumers: readonly Consumer[];
  readonly clock: Clock;
  readonly expiryMs: number;
  readonly partitionSpan: number;
  /** Absent: nothing is relayed, whoever has the duty. */
  readonly relay: RelayOptions | undefined;
}

/** What a process runs in the background beside its workers. */
export async function housekeeping(
  house: House,
  duties: readonly HouseDuty[],
): Promise<readonly Service[]> {
  const { context, consumers, clock, expiryMs, partitionSpan, relay } = house;
  const { database, wakeUp, observer, random } = context;
  const channel = channelOf(database.schema);
  const holder = context.newId();
  const common = { database, wakeUp, observer, clock, random, holder };
  const make: Readonly<Record<HouseDuty, () => Service | undefined | Promise<Service>>> = {
    sequencer: () => createSequencer({ ...common, channel, partitionSpan }),
    projector: () => createProjector({ ...common, consumers }),
    caretaker: () => createCaretaker({ context, clock, expiryMs }),
    relay: () => (relay === undefined ? undefined : relayService(context, relay, clock)),
  };
  const services: Service[] = [];
  for (const duty of duties) {
    const service = await make[duty]();
    if (service !== undefined) services.push(service);
  }
  return services;
}

/** Loaded only here, so that nobody pays for it who does not relay. */
async function relayService(
  context: WriteContext,
  given: RelayOptions,
  clock: Clock,
): Promise<Service> {
  const { payloads: bodies, ...settings } = parseOptions(relayOptions, given);
  const [{ createRelay }, { relayConsumer }] = await Promise.all([
    import('./relay/relay.ts'),
    import('./relay/relay-consumer.ts'),
  ]);
  const { database, wakeUp, observer, random } = context;
  await prepareConsumers(database, [relayConsumer], observer);
  const holder = context.newId();
  const common = { database, wakeUp, observer, clock, random, holder };
  return createRelay({ ...common, settings: { ...settings, bodies } });
}
