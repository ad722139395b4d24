import type { JobCommandKind } from './commands.ts';
import type { JobStatus } from './state.ts';

/** A job that was never submitted is `unborn`. */
export type TableState = JobStatus | 'unborn';

/**
 * The state machine in one table: which commands each state accepts. Whether a legal command goes
 * through may still hang on the rest of the state (a lease token, a due time); see decide.ts.
 * docs/states.md draws it; test/unit/domain walks every pair.
 */
export const legalCommands: Readonly<Record<TableState, readonly JobCommandKind[]>> = {
  unborn: ['submit'],
  waiting: ['claim', 'cancel', 'retry', 'reschedule', 'edit', 'move', 'erase-payload'],
  running: ['complete', 'fail', 'snooze', 'release', 'expire', 'cancel'],
  completed: ['erase-payload'],
  dead: ['retry', 'erase-payload'],
  cancelled: ['erase-payload'],
};
