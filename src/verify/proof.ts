import type { Clock } from '../kernel/clock.ts';
import type { Database } from '../store/database.ts';
import {
  rebuildClaims,
  type RebuildClaimsOptions,
  type RebuiltClaims,
} from './rebuild/rebuild-claims.ts';
import type { VerifyReport } from './report.ts';
import { verify, type VerifyOptions } from './verify.ts';

/** The tables against the log. */
export interface Proof {
  /**
   * Proves that all tables are what the log says; on a live system too, without stopping it.
   * @throws DaybookError `aborted`
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /**
   * Makes the claim table and the dead jobs anew from the log, keeping writers out meanwhile.
   * @throws DaybookError `claims-busy`
   */
  rebuildClaims(options?: RebuildClaimsOptions): Promise<RebuiltClaims>;
}

export function createProof(database: Database, clock: Clock): Proof {
  return {
    verify: (options) => verify(database, { clock, ...options }),
    rebuildClaims: (options) => rebuildClaims(database, options),
  };
}
