import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventId } from '../../../src/kernel/ids.ts';
import { appendBatch } from '../../../src/relay/append-batch.ts';
import type { RelayEvent } from '../../../src/relay/relay-event.ts';
import { type StoredTargetEvent, TargetFailure } from '../../../src/relay/target/event-target.ts';
import type { TargetSession } from '../../../src/relay/target/target-session.ts';
import {
  createStoredEvents,
  type Proposed,
  type StoredEvents,
} from '../../support/kurrent-double/stored-events.ts';

const streamId = '0198e0f2-6f2c-7cc3-98c1-2f5d4c1a7b11';
const stream = `job-${streamId}`;

/** Events of the stream with these versions. */
function events(...versions: number[]): RelayEvent[] {
  return versions.map((version) => ({
    position: BigInt(version) * 10n,
    streamId,
    version,
    epoch: 2,
    stream,
    bytes: 100,
    event: { id: eventId(streamId, 2, version), type: 'A', data: {}, metadata: {} },
  }));
}

function proposed(id: string): Proposed {
  const nothing = new Uint8Array();
  return { id, type: 'A', contentType: '', data: nothing, metadata: nothing };
}

/** A session on what the double keeps, without a wire. */
function sessionOn(kept: StoredEvents): TargetSession & { appends: number } {
  return {
    appends: 0,
    append(name, batch, expected) {
      this.appends += 1;
      const ids = batch.map(({ id }) => proposed(id));
      const result = kept.append(name, expected, ids);
      if (result.kind === 'appended') return Promise.resolve();
      const actual = result.kind === 'wrong-version' ? { actual: result.current } : {};
      return Promise.reject(new TargetFailure('wrong-version', result.kind, 'no', actual));
    },
    read(name, from, limit) {
      const found = (kept.stream(name) ?? []).slice(Number(from), Number(from) + limit);
      return Promise.resolve(
        found.map(({ id, revision }) => ({ id, revision, stream: name }) as StoredTargetEvent),
      );
    },
    close: () => Promise.resolve(),
  };
}

describe('a batch of a stream', () => {
  let kept: StoredEvents;
  let session: ReturnType<typeof sessionOn>;
  beforeEach(() => {
    kept = createStoredEvents();
    session = sessionOn(kept);
  });
  const ids = () => kept.stream(stream)?.map(({ id }) => id) ?? [];
  const idsOf = (...versions: number[]) => events(...versions).map(({ event }) => event.id);

  it('is appended once, however often it is tried', async () => {
    await appendBatch(session, events(1, 2));
    await appendBatch(session, events(1, 2));
    await appendBatch(session, events(2));
    await appendBatch(session, events(3));
    await appendBatch(session, events(1));
    expect(ids()).toEqual(idsOf(1, 2, 3));
    expect(session.appends).toBe(5);
  });

  it('is trimmed where a part of it is there', async () => {
    await appendBatch(session, events(1, 2));
    await appendBatch(session, events(1, 2, 3, 4));
    expect(ids()).toEqual(idsOf(1, 2, 3, 4));
    await appendBatch(session, events(3, 4, 5));
    expect(ids()).toEqual(idsOf(1, 2, 3, 4, 5));
  });

  it('is not appended behind a gap', async () => {
    await expect(appendBatch(session, events(2))).rejects.toMatchObject({ mismatch: 'gap' });
    await appendBatch(session, events(1));
    await expect(appendBatch(session, events(3, 4))).rejects.toMatchObject({
      mismatch: 'gap',
      position: 30n,
    });
    expect(ids()).toEqual(idsOf(1));
  });

  it('is not appended behind what a lost epoch, or somebody else, has written', async () => {
    await appendBatch(session, events(1));
    kept.append(stream, 0n, [proposed(eventId(streamId, 1, 2))]);
    const lost = { mismatch: 'lost-epoch', position: 20n };
    await expect(appendBatch(session, events(2, 3))).rejects.toMatchObject(lost);
    await expect(appendBatch(session, events(1, 2))).rejects.toMatchObject(lost);
    kept.forget(stream, 1n);
    kept.append(stream, 0n, [proposed(randomUUID())]);
    const foreign = { mismatch: 'foreign-event', position: 20n };
    await expect(appendBatch(session, events(2))).rejects.toMatchObject(foreign);
  });

  it('is done where it stands where it should, and else behind a gap, whatever the target says', async () => {
    const says = (revision: bigint) => {
      const saying = sessionOn(kept);
      saying.append = async (...append) => {
        await session.append(...append);
        const elsewhere = { actual: revision };
        throw new TargetFailure('wrong-version', 'other-revision', 'elsewhere', elsewhere);
      };
      return saying;
    };
    await appendBatch(says(9n), events(1, 2));
    expect(ids()).toEqual(idsOf(1, 2));
    // A stream that was deleted, and counts on: what it has taken stands behind revisions that are gone.
    const deleted = says(7n);
    deleted.read = () =>
      Promise.resolve([{ ...events(1)[0]?.event, revision: 7n, stream } as StoredTargetEvent]);
    await expect(appendBatch(deleted, events(1))).rejects.toMatchObject({ mismatch: 'gap' });
  });

  it('is tried again where the stream has changed meanwhile', async () => {
    await appendBatch(session, events(1));
    const late = sessionOn(kept);
    late.append = () =>
      Promise.reject(new TargetFailure('wrong-version', 'late', 'no', { actual: 0n }));
    await expect(appendBatch(late, events(2))).rejects.toMatchObject({
      kind: 'transient',
      reason: 'raced',
    });
  });

  it('is not tried again where the target hides the stream', async () => {
    const hidden = sessionOn(createStoredEvents());
    hidden.append = () =>
      Promise.reject(new TargetFailure('wrong-version', 'deleted', 'no', { actual: 4n }));
    await expect(appendBatch(hidden, events(1))).rejects.toMatchObject({ mismatch: 'gap' });
  });
});
