import { CorruptStream } from '../corrupt-stream.ts';
import type { Recorded } from '../recorded.ts';
import { accept, type Decision, reject } from '../rejection.ts';

/** Settings of a queue. */
export interface QueueSettings {
  /** Jobs of this queue that one worker process runs at a time, where the worker names no number. */
  readonly concurrency?: number;
  /** Jobs that may wait in it before submissions are refused. */
  readonly maxWaiting?: number;
}

export interface QueueEventData {
  readonly QueueCreated: { readonly name: string };
  readonly QueuePaused: { readonly reason: string | null };
  readonly QueueResumed: { readonly reason: string | null };
  readonly QueueConfigured: { readonly settings: QueueSettings; readonly reason: string | null };
}

export type QueueEventType = keyof QueueEventData;

export type QueueEvent = {
  [T in QueueEventType]: { readonly type: T; readonly data: QueueEventData[T] };
}[QueueEventType];

export type RecordedQueueEvent = QueueEvent & Recorded;

export interface QueueState {
  readonly name: string;
  readonly version: number;
  readonly paused: boolean;
  readonly settings: QueueSettings;
  readonly createdAtMs: number;
}

export type QueueCommand =
  | { readonly kind: 'create'; readonly name: string }
  | { readonly kind: 'pause'; readonly reason: string | null }
  | { readonly kind: 'resume'; readonly reason: string | null }
  | {
      readonly kind: 'configure';
      readonly settings: QueueSettings;
      readonly reason: string | null;
    };

/** What a command does to a queue. Pausing a paused queue is recorded already, not wrong. */
export function decideQueue(state: QueueState | null, command: QueueCommand): Decision<QueueEvent> {
  if (state === null) {
    if (command.kind === 'create') {
      return accept({ type: 'QueueCreated', data: { name: command.name } });
    }
    return reject('illegal-transition', 'The queue does not exist.');
  }
  switch (command.kind) {
    case 'create':
      return reject('already-recorded', 'The queue exists already.');
    case 'pause':
      if (state.paused) return reject('already-recorded', 'The queue is paused already.');
      return accept({ type: 'QueuePaused', data: { reason: command.reason } });
    case 'resume':
      if (!state.paused) return reject('already-recorded', 'The queue is not paused.');
      return accept({ type: 'QueueResumed', data: { reason: command.reason } });
    case 'configure': {
      const { settings, reason } = command;
      return accept({ type: 'QueueConfigured', data: { settings, reason } });
    }
  }
}

/** Folds one event into a queue. @throws CorruptStream on a second birth, a missing one, or a gap */
export function evolveQueue(state: QueueState | null, event: RecordedQueueEvent): QueueState {
  if (event.type === 'QueueCreated') {
    if (state !== null || event.version !== 1) throw new CorruptStream(event, 'a second birth');
    return {
      name: event.data.name,
      version: event.version,
      paused: false,
      settings: {},
      createdAtMs: event.occurredAtMs,
    };
  }
  if (state === null) throw new CorruptStream(event, 'an event before the birth');
  if (event.version !== state.version + 1) {
    throw new CorruptStream(event, `a gap after ${state.version}`);
  }
  const version = event.version;
  switch (event.type) {
    case 'QueuePaused':
      return { ...state, version, paused: true };
    case 'QueueResumed':
      return { ...state, version, paused: false };
    case 'QueueConfigured':
      return { ...state, version, settings: { ...state.settings, ...event.data.settings } };
  }
}
