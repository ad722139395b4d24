import type { EventConsumer, Projection } from '../../src/daybook.ts';

/**
 * A read model of one's own, kept by set-based SQL: how many jobs ended how, per day. To change it,
 * change the SQL and raise the version: Daybook builds the new one beside the old, and turns the view
 * `ends_per_day` to it when it has caught up.
 */
export const endsPerDay: Projection = {
  name: 'ends-per-day',
  version: 1,
  tables: [
    {
      name: 'ends_per_day',
      create: (table) => [
        `create table ${table} (
           day date, queue_id integer, completed bigint not null, dead bigint not null,
           primary key (day, queue_id))`,
      ],
    },
  ],
  upkeep: ({ schema, table }) => [
    `insert into ${table('ends_per_day')} as d (day, queue_id, completed, dead)
     select e.occurred_at::date, e.queue_id, count(*) filter (where t.name = 'JobCompleted'),
       count(*) filter (where t.name = 'JobDead')
     from ${schema}.events e
     join ${schema}.event_types t on t.code = e.type
     where e.position > $1 and e.position <= $2 and t.name in ('JobCompleted', 'JobDead')
     group by 1, 2 order by 1, 2
     on conflict (day, queue_id) do update
     set completed = d.completed + excluded.completed, dead = d.dead + excluded.dead`,
  ],
};

/**
 * A reaction: writes every dead job into a to-do list for people, exactly once, because the list's row
 * commits with the consumer's checkpoint. A job that the list cannot take is parked with its later
 * events; the others go on.
 */
export const toDoList: EventConsumer = {
  name: 'to-do-list',
  version: 1,
  types: ['JobFailed', 'JobDead'],
  onPoison: 'park',
  async prepare(client) {
    await client.query(
      `create table if not exists to_do (
         job_id uuid primary key, type text not null, failures integer not null,
         error text not null, dead_at timestamptz)`,
    );
  },
  async handle(events, { client }) {
    for (const event of events) {
      if (event.type === 'JobFailed') {
        await client.query(
          `insert into to_do (job_id, type, failures, error) values ($1, $2, 1, $3)
           on conflict (job_id) do update
           set failures = to_do.failures + 1, error = excluded.error`,
          [event.streamId, event.jobType, event.data.error.message],
        );
      } else {
        await client.query('update to_do set dead_at = to_timestamp($2) where job_id = $1', [
          event.streamId,
          event.occurredAtMs / 1_000,
        ]);
      }
    }
  },
};
