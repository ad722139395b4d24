import { defineStatement, now } from '../statement.ts';

export interface RejectedOutcome {
  readonly jobId: string;
  readonly leaseToken: string;
  readonly verb: string;
  readonly code: string;
}

/** Rows kept in rejected_outcomes. */
const KEPT = 10_000;

/** Keeps outcomes that came too late, and forgets the oldest beyond 10,000. */
export const recordRejections = defineStatement<
  { readonly rejections: readonly RejectedOutcome[] },
  { kept: number }
>({
  name: 'record-rejections',
  sql: (schema) => `
    with added as (
      insert into ${schema}.rejected_outcomes (rejected_at, job_id, lease_token, verb, code)
      select ${now}, * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
      returning id
    ),
    trimmed as (
      delete from ${schema}.rejected_outcomes
      where id <= (select max(id) from added) - ${KEPT}
    )
    select count(*)::int as kept from added`,
  values: ({ rejections }) => [
    rejections.map((each) => each.jobId),
    rejections.map((each) => each.leaseToken),
    rejections.map((each) => each.verb),
    rejections.map((each) => each.code),
  ],
});
