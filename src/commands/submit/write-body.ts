import { jobLimits } from '../../domain/job/new-job.ts';
import { DaybookError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/ids.ts';
import { type BodyWriter, bytesOf, type JsonBody } from '../../store/parameters/body-page.ts';

/** A payload or a result, and what its event tells of it. */
export interface WrittenBody {
  readonly body: JsonBody;
  readonly bytes: number;
  readonly hash: string;
}

type Body = 'payload' | 'result';

/**
 * A payload or a result as it is sent, written down once.
 * @param bodies writes all that are sent together
 * @throws DaybookError `payload-too-large`, or `payload-invalid` for what JSON cannot carry
 */
export function writeBody(bodies: BodyWriter, value: unknown, at: string, what: Body): WrittenBody {
  const text = jsonText(value, at, what);
  if (text.length > jobLimits.payloadBytes) mustFit(Buffer.byteLength(text), at, what);
  const body = bodies.write(text);
  const bytes = bytesOf(body);
  mustFit(bytes, at, what);
  return { body, bytes, hash: sha256(typeof body === 'string' ? body : body.bytes) };
}

/**
 * A payload as JSON text, for what is sent as text.
 * @throws DaybookError `payload-too-large`, or `payload-invalid` for what JSON cannot carry
 */
export function payloadText(payload: unknown): string {
  const text = jsonText(payload, '', 'payload');
  mustFit(Buffer.byteLength(text), '', 'payload');
  return text;
}

function jsonText(payload: unknown, at: string, what: Body): string {
  try {
    const text: string | undefined = JSON.stringify(payload);
    return text ?? 'null';
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DaybookError('payload-invalid', `The ${what} is no JSON: ${message}`, {
      cause: error,
      fields: [{ pointer: `${at}/${what}`, message: 'must be JSON' }],
    });
  }
}

function mustFit(bytes: number, at: string, what: Body): void {
  if (bytes <= jobLimits.payloadBytes) return;
  throw new DaybookError(
    'payload-too-large',
    `The ${what} has ${bytes} bytes; ${jobLimits.payloadBytes} are allowed.`,
    { fields: [{ pointer: `${at}/${what}`, message: 'is too large' }] },
  );
}
