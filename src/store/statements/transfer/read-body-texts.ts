import { plainColumn } from '../../parameters/columns.ts';
import { defineStatement } from '../../statement.ts';

export interface BodyTextWish {
  readonly id: string;
  readonly payload: boolean;
  readonly result: boolean;
}

export interface BodyTextRow {
  /** Place in the list of wishes, from 1. */
  readonly n: number;
  readonly payload: string | null;
  readonly result: string | null;
}

/**
 * Bodies of jobs as the texts they are, in the order in which they are wished for, until so many bytes
 * are there; of more than that, one job. Jobs that have none leave no row.
 * Locks: none. Index: job_payloads_pkey.
 */
export const readBodyTexts = defineStatement<
  { readonly wishes: readonly BodyTextWish[]; readonly bytes: number },
  BodyTextRow
>({
  name: 'read-body-texts',
  sql: (schema) => `
    select n::int as n, payload, result from (
      select body.*, sum(octet_length(concat(payload, result))) over (order by n) as bytes,
        row_number() over (order by n) as place
      from (
        select w.n, body.payload, body.result
        from unnest($1::uuid[], $2::boolean[], $3::boolean[]) with ordinality
          as w (id, payload, result, n)
        cross join lateral (
          select case when w.payload then p.payload::text end as payload,
            case when w.result then p.result::text end as result
          from ${schema}.job_payloads p where p.job_id = w.id limit 1
        ) body
      ) body
    ) sized
    where place = 1 or bytes <= $4
    order by n`,
  values: ({ wishes, bytes }) => [
    plainColumn(wishes.map(({ id }) => id)),
    plainColumn(wishes.map(({ payload }) => String(payload))),
    plainColumn(wishes.map(({ result }) => String(result))),
    bytes,
  ],
});
