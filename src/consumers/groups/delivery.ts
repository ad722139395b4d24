import { parsePosition } from '../../domain/log-token.ts';
import { isUuid } from '../../kernel/uuid.ts';

/** What a delivery token says: which event, and which time it was handed out. */
export interface DeliveryToken {
  readonly position: bigint;
  readonly id: string;
}

/** `<position>.<uuid>`: with the position, its row is found by the key that is there. */
export function formatDelivery(position: bigint, id: string): string {
  return `${position}.${id}`;
}

/** The token behind a text, or undefined for anything else. */
export function parseDelivery(text: string): DeliveryToken | undefined {
  const dot = text.indexOf('.');
  const position = parsePosition(text.slice(0, Math.max(0, dot)));
  const id = text.slice(dot + 1);
  return position === undefined || !isUuid(id) ? undefined : { position, id };
}
