import { describe, expect, it } from 'vitest';
import { toDoList } from '../../../examples/consumers/consumers.ts';
import { givenStreamId, specificationForConsumer } from '../../../src/testing.ts';

const given = specificationForConsumer(toDoList);
const error = { name: 'E', message: 'boom' };
const failed = { type: 'JobFailed', data: { attempt: 1, error } } as const;
const dead = { type: 'JobDead', data: { reason: 'not-retryable' } } as const;
const submitted = { type: 'JobSubmitted', data: {} } as const;

const marked = {
  text: 'update to_do set dead_at = to_timestamp($2) where job_id = $1',
  values: [givenStreamId, Date.UTC(2026, 0, 1, 0, 0, 2) / 1_000],
};

describe('given/when/then of a consumer', () => {
  it('shows the queries that were made for the events in question, and for these only', async () => {
    await given([submitted, failed]).when(dead).then([marked]);
    await given([failed]).when(submitted).then([]);
  });

  it('fails where others were made', async () => {
    await expect(given([submitted, failed]).when(dead).then([])).rejects.toThrow(
      'Given JobSubmitted, JobFailed; when to-do-list gets JobDead: other queries were made.',
    );
  });

  it('tells a handler that refuses from one that does not', async () => {
    const refusing = specificationForConsumer({
      ...toDoList,
      handle: () => Promise.reject(new Error('no more room')),
    });
    await refusing([]).when(dead).thenThrows('no more room');
    await refusing([]).when(dead).thenThrows(/room/);
    await expect(refusing([]).when(dead).thenThrows('other')).rejects.toThrow('no more room');
    await expect(given([]).when(dead).thenThrows('any')).rejects.toThrow('not refused');
  });

  it('answers queries as the test says', async () => {
    const asks = specificationForConsumer(
      {
        ...toDoList,
        async handle(_events, { client }) {
          const { rows } = await client.query<{ n: number }>('select   1 as n');
          await client.query({ text: 'insert into x values ($1)', values: [rows[0]?.n] });
        },
      },
      ({ text }) => (text.startsWith('select') ? [{ n: 7 }] : []),
    );
    const expected = [
      { text: 'select 1 as n', values: [] },
      { text: 'insert into x values ($1)', values: [7] },
    ];
    await expect(asks([]).when(dead).then(expected)).resolves.toBeUndefined();
  });
});
