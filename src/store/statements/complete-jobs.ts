import type { JsonBody } from '../parameters/body-page.ts';
import { plainColumn, sparseColumn } from '../parameters/columns.ts';
import { JsonBodies } from '../parameters/json-bodies.ts';
import { sqlState } from '../sqlstate.ts';
import { boundedLocks, defineStatement, elapsedBetween, now, ofAnyLength } from '../statement.ts';

export interface CompletionRow {
  readonly id: string;
  readonly leaseToken: string;
  /** As JSON; null for none. */
  readonly result: JsonBody | null;
  readonly resultHash: string | null;
  readonly resultBytes: number | null;
}

export interface CompleteJobsParams {
  readonly tenantId: number;
  readonly completions: readonly CompletionRow[];
  /** Raise an error unless every one is recorded: for a caller's own transaction. */
  readonly orRaise: boolean;
}

/**
 * Ends claims whose lease token still holds: the claim row goes, the result is stored, JobCompleted
 * is appended. Answers the ids recorded; any other must be asked of the log.
 * Locks: claim rows FOR UPDATE in id order, waiting (a second at the most, unless in a caller's
 * transaction). Indexes: job_claims_pkey, job_payloads_pkey.
 * One scan of the index finds all rows, in whatever way it is planned: they are sorted before they are
 * locked. It compares lease tokens (by a hash), so that a row is only waited for if its token holds, and
 * Postgres compares again what has changed in the meantime. `case` hides from the planner that all rows
 * wanted are in job_claims_held, which it might read from front to end.
 * Results are read from their array row by row, and stand in no table on the way: of 10 KB each, that
 * was written to a file.
 * The locked rows are deleted by id, not by ctid: a request to cancel that commits while this waits
 * moves the row, and the claim must not seem lost for that.
 */
export const completeJobs = completion('complete-jobs', '');

/** The same, without those whose rows another transaction holds. */
export const completeUnlockedJobs = completion('complete-unlocked-jobs', 'skip locked');

function completion(name: string, howLocked: '' | 'skip locked') {
  return defineStatement<CompleteJobsParams, { recorded: string[] }>({
    name,
    prepared: true,
    sql: (schema) => `
    with input as materialized (
      select i.*, wait.bound
      from unnest(${ofAnyLength('$1::uuid[]')}, $2::uuid[], $3::text[], $4::int[])
        as i (id, token, result_hash, result_bytes)
      cross join (select ${boundedLocks('not $5')}) as wait (bound)
    ),
    held as materialized (
      select c.id from ${schema}.job_claims c
      where c.id = any (array(select id from input)) and c.tenant_id = $6
        and case when c.lease_token is not null
                 then (c.id, c.lease_token) in (select id, token from input) end
      order by c.id
      for update of c ${howLocked}
    ),
    ended as (
      delete from ${schema}.job_claims c where c.id = any (array(select id from held))
      returning c.id, c.version, c.queue_id, c.type_id, c.claimed_at, c.correlation,
        c.tags, greatest(${now}, c.claimed_at) as at
    ),
    stored as (
      update ${schema}.job_payloads p set result = body.result
      from (
        select given.result, (
          select p.ctid from ${schema}.job_payloads p where p.job_id = given.id limit 1) as row_at
        from (select unnest(${ofAnyLength('$1::uuid[]')}) as id, unnest($7::json[]) as result
              where exists (select from input where result_hash is not null)) as given
        where given.result is not null and coalesce(given.id in (select id from ended), false)
        offset 0
      ) body
      where p.ctid = body.row_at
    ),
    logged as (
      insert into ${schema}.event_inbox
        (occurred_at, stream_id, version, queue_id, job_type_id, type, elapsed_ms, data,
         correlation, tags)
      select e.at, e.id, e.version + 1, e.queue_id, e.type_id, 3,
        ${elapsedBetween('e.claimed_at', 'e.at')},
        case when i.result_hash is not null then
          jsonb_build_object('resultHash', i.result_hash, 'resultBytes', i.result_bytes) end,
        e.correlation, e.tags
      from ended e join input i on i.id = e.id
      order by e.id
      returning stream_id
    )
    select coalesce(array_agg(stream_id), '{}') as recorded,
      case when $5 and count(*) < cardinality($1) then ${schema}.refuse(
        '${sqlState.leaseLost}', 'A lease is lost: this transaction must not commit.') end
    from logged`,
    values: ({ tenantId, completions, orRaise }) => [
      plainColumn(completions.map((each) => each.id)),
      plainColumn(completions.map((each) => each.leaseToken)),
      sparseColumn(completions.map((each) => each.resultHash)),
      sparseColumn(completions.map((each) => each.resultBytes)),
      orRaise,
      tenantId,
      resultsOf(completions),
    ],
  });
}

/** Nothing at all where there are none: then nothing is looked through. */
function resultsOf(completions: readonly CompletionRow[]): JsonBodies {
  const results = completions.map((each) => each.result);
  return new JsonBodies(results.every((result) => result === null) ? [] : results);
}
