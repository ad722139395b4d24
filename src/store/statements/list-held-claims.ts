import { defineStatement } from '../statement.ts';

/** A claim as its holder must name it. */
export interface HeldClaimRow {
  readonly id: string;
  readonly lease_token: string;
}

/**
 * What a session holds of a queue. Locks: none. Index: job_claims_held.
 */
export const listHeldClaims = defineStatement<
  { readonly tenantId: number; readonly session: string; readonly queueId: number },
  HeldClaimRow
>({
  name: 'list-held-claims',
  sql: (schema) => `
    select c.id, c.lease_token from ${schema}.job_claims c
    where c.session_id = $2 and c.lease_token is not null
      and c.tenant_id = $1 and c.queue_id = $3`,
  values: ({ tenantId, session, queueId }) => [tenantId, session, queueId],
});
