import { DaybookError } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';
import type { Observer } from '../../kernel/observer.ts';
import type { Database } from '../database.ts';
import { listEpochs } from '../statements/list-epochs.ts';
import { openNewEpoch, type OpenedEpoch } from './new-epoch.ts';

/** A stretch of the log during which nothing of it was lost. */
export interface LogEpoch {
  readonly epoch: number;
  readonly openedAtMs: number;
  /** The server it was opened on, as `pg_control_system` names it. */
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** The last position of the epoch before; 0n for the first. */
  readonly afterPosition: bigint;
  readonly reason: string;
}

/** The epochs of the log. A new one is opened by itself where the server is another one than before. */
export interface EpochControl {
  /** All of them, the present one last. */
  list(): Promise<LogEpoch[]>;
  /**
   * Opens a new epoch, for what nothing can notice: the server was put back to a snapshot of its
   * volume. Log tokens of the old epoch are answered with a reset from then on, and worker sessions
   * end: what they hold is interrupted and runs again.
   * @param reason kept with the epoch; 1 to 500 characters
   * @throws DaybookError `invalid-options`, `read-only` on a standby
   */
  open(reason: string): Promise<OpenedEpoch>;
}

const MAX_REASON = 500;

export function createEpochControl(database: Database, observer: Observer): EpochControl {
  return {
    async list() {
      return (await database.run(listEpochs, {})).map((row) => ({
        epoch: row.epoch,
        openedAtMs: row.opened_at,
        systemIdentifier: row.system_identifier,
        timeline: row.timeline,
        afterPosition: row.after_position,
        reason: row.reason,
      }));
    },
    async open(reason) {
      if (reason.trim() === '' || reason.length > MAX_REASON || reason.includes('\0')) {
        const message = `Say in 1 to ${MAX_REASON} characters why a new epoch is opened.`;
        throw new DaybookError('invalid-options', message);
      }
      const opened = await openNewEpoch(database, observer, reason);
      invariant(opened !== undefined, 'a reason is enough for a new epoch');
      return opened;
    },
  };
}
