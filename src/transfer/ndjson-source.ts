import { DaybookError } from '../kernel/errors.ts';
import { parsePosition } from '../domain/log-token.ts';
import {
  eventOfLine,
  headerType,
  jsonOf,
  linkBehind,
  NotAnEvent,
  trailerType,
} from './event-line.ts';
import type { LogSource, SourcedEpoch, SourcedEvent, SourceEnd } from './log-source.ts';
import { type NumberedLine, numberedLines, refusedAt } from './numbered-lines.ts';

export interface NdjsonSourceOptions {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** A lease token that nobody holds; see `eventOfLine`. */
  readonly newToken: () => string;
}

/** What stands in the last line. */
interface Trailer {
  readonly format: 1;
  readonly complete: boolean;
  readonly events: number;
  readonly epochs: readonly (Omit<SourcedEpoch, 'afterPosition'> & { afterPosition: string })[];
}

/**
 * An export of `daybook export`. Every line must be the one that was written there: lines are chained,
 * and positions grow, by one each in an export of a whole log.
 */
export function createNdjsonSource({ name, chunks, newToken }: NdjsonSourceOptions): LogSource {
  let complete = false;
  let link = '';
  let position = 0n;
  let events = 0;
  let ended: SourceEnd | undefined;

  const open = ({ number, text }: NumberedLine) => {
    const header = objectOf(text);
    if (header?.['type'] !== headerType || linkBehind(text, '') === undefined) {
      throw refusedAt(number, 'it is not the first line of an export of Daybook');
    }
    const { format, complete: all } = (header['data'] ?? {}) as Partial<Trailer>;
    if (format !== 1) throw refusedAt(number, `its format is ${String(format)}, which is not 1`);
    complete = all === true;
  };

  const read = ({ number, text }: NumberedLine): SourcedEvent | undefined => {
    const line = objectOf(text);
    const next = linkBehind(text, link);
    if (line === undefined || next === undefined) {
      throw refusedAt(number, 'it is not the line that was exported here');
    }
    if (line['type'] === trailerType) {
      ended = endOf(line['data'] as Trailer, link);
      if (ended.events === events) return undefined;
      throw refusedAt(number, `${ended.events} events were exported, and ${events} are here`);
    }
    link = next;
    events += 1;
    const sourced = eventAt(number, line, newToken);
    const { position: its } = sourced.event;
    const fits = complete ? its === position + 1n : its > position;
    if (!fits) throw refusedAt(number, `position ${its} does not follow ${position}`);
    position = its;
    return sourced;
  };

  async function* batches(): AsyncGenerator<SourcedEvent[]> {
    let last = 0;
    for await (const lines of numberedLines(chunks)) {
      const batch: SourcedEvent[] = [];
      for (const line of lines) {
        if (ended !== undefined) throw refusedAt(line.number, 'it stands behind the end');
        // A line that was cut off is told as what it is, and not as one that was changed.
        if (!line.ended) throw cutOff(last);
        last = line.number;
        const sourced = last === 1 ? open(line) : read(line);
        if (sourced !== undefined) batch.push(sourced);
      }
      if (batch.length > 0) yield batch;
    }
    if (ended === undefined) throw cutOff(last);
  }

  return {
    name,
    batches,
    end() {
      if (ended === undefined) throw new Error('The export was not read to its end.');
      return { ...ended, complete };
    },
  };
}

function cutOff(last: number): DaybookError {
  const message = `The export was cut off: it ends after line ${last}, without the line that ends an export. Nothing was restored.`;
  return new DaybookError('source-refused', message);
}

function eventAt(
  number: number,
  line: Record<string, unknown>,
  newToken: () => string,
): SourcedEvent {
  try {
    return eventOfLine(line, newToken);
  } catch (error) {
    if (error instanceof NotAnEvent) throw refusedAt(number, error.message, error);
    throw error;
  }
}

function endOf({ events, complete, epochs }: Trailer, sum: string): SourceEnd {
  return {
    events,
    complete,
    sum,
    epochs: epochs.map((epoch) => ({
      ...epoch,
      afterPosition: parsePosition(epoch.afterPosition) ?? 0n,
    })),
  };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  const value = jsonOf(text);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : undefined;
}
