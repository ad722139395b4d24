import { describe, it } from 'vitest';
import { given, occurredAtMs } from '../../../src/testing/given-when-then.ts';
import {
  cancelledJob,
  claim,
  claimed,
  completedJob,
  deadJob,
  edit,
  edited,
  erase,
  erased,
  failed,
  move,
  moved,
  reschedule,
  rescheduled,
  retried,
  retry,
  revived,
  running,
  submitted,
} from './job-fixtures.ts';

const why = 'the customer asked';
describe('reschedule', () => {
  const runAtMs = occurredAtMs(3_600);

  it('names a new time', () => {
    given([submitted()])
      .when(reschedule(runAtMs, why))
      .then([rescheduled(runAtMs, why)]);
  });

  it('puts off a job that was due', () => {
    given([submitted(), rescheduled(runAtMs)])
      .when(claim(), { nowMs: runAtMs - 1 })
      .thenRejected('illegal-transition');
    given([submitted(), rescheduled(runAtMs)])
      .when(claim(), { nowMs: runAtMs })
      .then([claimed()]);
  });

  it('brings forward a job that was not', () => {
    given([submitted({ runAtMs }), rescheduled(occurredAtMs(2))])
      .when(claim())
      .then([claimed()]);
  });

  it('is for waiting jobs only', () => {
    for (const history of [running, completedJob, deadJob, cancelledJob]) {
      given(history).when(reschedule(runAtMs)).thenRejected('illegal-transition');
    }
  });
});

describe('edit', () => {
  it('changes what it names, and nothing else', () => {
    given([submitted()])
      .when(edit({ priority: 0, tags: ['vip'] }, why))
      .then([edited({ priority: 0, tags: ['vip'] }, why)]);
  });

  it('tells the taking away of a timeout from leaving it', () => {
    given([submitted({ timeoutMs: 5 })])
      .when(edit({ timeoutMs: null }))
      .then([edited({ timeoutMs: null })]);
  });

  it('of nothing is refused', () => {
    given([submitted()]).when(edit({})).thenRejected('illegal-transition');
  });

  it('is for waiting jobs only', () => {
    for (const history of [running, completedJob, deadJob, cancelledJob]) {
      given(history)
        .when(edit({ priority: 0 }))
        .thenRejected('illegal-transition');
    }
  });

  it('leaves at least one attempt more than have failed', () => {
    const twice = [...running, failed(1), retried(0), claimed(2), failed(2), retried(0)];
    for (const maxAttempts of [0, 1, 2]) {
      given(twice).when(edit({ maxAttempts })).thenRejected('illegal-transition');
    }
    given(twice)
      .when(edit({ maxAttempts: 3 }))
      .then([edited({ maxAttempts: 3 })]);
  });

  it('changes nothing at all where the attempts are refused', () => {
    given([...running, failed(1), retried(0)])
      .when(edit({ priority: 0, maxAttempts: 1 }))
      .thenRejected('illegal-transition');
  });

  it('leaves a job one attempt at least before it has ever failed', () => {
    given([submitted()])
      .when(edit({ maxAttempts: 0 }))
      .thenRejected('illegal-transition');
    given([submitted()])
      .when(edit({ maxAttempts: 1 }))
      .then([edited({ maxAttempts: 1 })]);
  });
});

describe('move', () => {
  it('names both queues', () => {
    given([submitted()])
      .when(move('slow', why))
      .then([moved('slow', why)]);
  });

  it('goes on from where the job was moved to', () => {
    given([submitted(), moved('slow')])
      .when(move('default'))
      .then([{ type: 'JobMoved', data: { from: 'slow', to: 'default', reason: null } }]);
  });

  it('to the queue where it is, is refused', () => {
    given([submitted()]).when(move('default')).thenRejected('illegal-transition');
    given([submitted(), moved('slow')])
      .when(move('slow'))
      .thenRejected('illegal-transition');
  });

  it('is for waiting jobs only', () => {
    for (const history of [running, completedJob, deadJob, cancelledJob]) {
      given(history).when(move('slow')).thenRejected('illegal-transition');
    }
  });
});

describe('erasing the payload', () => {
  it('is possible before and after the run', () => {
    for (const history of [[submitted()], completedJob, deadJob, cancelledJob]) {
      given(history)
        .when(erase(why))
        .then([erased(why)]);
    }
  });

  it('is not possible during it', () => {
    given(running).when(erase()).thenRejected('illegal-transition');
  });

  it('is recorded already the second time', () => {
    given([...completedJob, erased()])
      .when(erase())
      .thenRejected('already-recorded');
  });

  it('leaves a dead job able to be revived', () => {
    given([...deadJob, erased()])
      .when(retry(), { nowMs: 5_000 })
      .then([revived(5_000, 10)]);
  });

  it('is possible again for a payload that was put in afterwards', () => {
    given([submitted(), erased(), edited({ payloadHash: 'b'.repeat(64), payloadBytes: 3 })])
      .when(erase())
      .then([erased()]);
  });

  it('is still recorded after an edit of anything else', () => {
    given([submitted(), erased(), edited({ priority: 0 })])
      .when(erase())
      .thenRejected('already-recorded');
  });
});
