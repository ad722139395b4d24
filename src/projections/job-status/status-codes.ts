import type { JobStatus } from '../../domain/job/state.ts';

/** The small number that stands for each status in read models. Never changed, never used again. */
export const statusCodes = {
  waiting: 1,
  running: 2,
  completed: 3,
  dead: 4,
  cancelled: 5,
} as const satisfies Record<JobStatus, number>;
