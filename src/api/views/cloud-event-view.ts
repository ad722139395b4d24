import type { LoggedEvent } from '../../consumers/tail/log-page.ts';
import { type CloudEvent, cloudEventOf } from '../../domain/cloud-event.ts';
import { eventId } from '../../kernel/ids.ts';
import { shownMs } from '../schemas/fields.ts';

/**
 * An event of the log as readers over HTTP get it.
 * @param installation tells the logs of one company apart: the schema of this one
 */
export function cloudEventView(event: LoggedEvent, installation: string): CloudEvent {
  return cloudEventOf(event, {
    id: eventId(event.streamId, event.epoch, event.version),
    installation,
    time: shownMs(event.occurredAtMs),
  });
}
