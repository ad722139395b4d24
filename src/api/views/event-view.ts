import type { z } from 'zod';
import { withoutSecrets } from '../../domain/cloud-event.ts';
import type { RecordedJobEvent } from '../../domain/job/events.ts';
import { shownMs } from '../schemas/fields.ts';
import type { eventSchema } from '../schemas/job.ts';

/** An event as answers show it: as it is in the log, but for the lease token, which is a secret. */
export function eventView(event: RecordedJobEvent): z.output<typeof eventSchema> {
  return {
    position: event.position?.toString() ?? null,
    version: event.version,
    type: event.type,
    schemaVersion: event.schemaVersion,
    occurredAt: shownMs(event.occurredAtMs),
    queue: event.queue,
    actor: event.actor,
    causation: event.causation,
    correlation: event.correlation,
    data: withoutSecrets(event.data),
  };
}
