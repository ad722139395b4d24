/**
 * Every error that Daybook reports, by its stable code: a title, and what the reader should do.
 * docs/errors.md is checked against this table, both ways, by test/unit/error-catalogue.test.ts.
 */
export const errorCatalogue = {
  'malformed-request': {
    title: 'The request could not be read',
    advice: 'Send well-formed JSON with Content-Type: application/json.',
  },
  'invalid-request': {
    title: 'The request does not fit its schema',
    advice: 'Correct the fields listed in `errors`; /docs shows the schema of each operation.',
  },
  'invalid-options': {
    title: 'An option of Daybook is wrong',
    advice: 'Correct the option named in the message; docs/configuration.md lists all of them.',
  },
  'unsupported-media-type': {
    title: 'This content type is not accepted',
    advice: 'Send JSON with Content-Type: application/json.',
  },
  'method-not-allowed': {
    title: 'This resource does not know the method',
    advice: 'Use one of the methods named in the Allow header.',
  },
  'not-found': {
    title: 'There is nothing at this address',
    advice: 'Check the path; /openapi.json lists every operation.',
  },
  'forbidden-host': {
    title: 'The request did not come from this machine',
    advice:
      'Call it by 127.0.0.1 or localhost, or by a name given to --allow-host, and not from another site’s page.',
  },
  'job-not-found': {
    title: 'There is no such job',
    advice: 'Check the id; a job is known from the moment its submission is answered.',
  },
  'queue-not-found': {
    title: 'There is no such queue',
    advice: 'A queue exists once a job was submitted to it; GET /v1/queues lists them.',
  },
  'consumer-not-found': {
    title: 'There is no such consumer',
    advice: 'GET /v1/consumers lists them, and which of them are being built anew.',
  },
  'moment-in-future': {
    title: 'The moment has not come yet',
    advice:
      'Ask for a time that has passed, or a position up to `head`; without `at` you read the present.',
  },
  'moment-before-log': {
    title: 'The moment lies before the log',
    advice: 'Ask for a later moment; position 1 is the first there is.',
  },
  'rebuild-in-progress': {
    title: 'The consumer is being built anew already',
    advice: 'Wait for it, or abort it with DELETE /v1/projections/{name}/rebuild.',
  },
  'subscription-not-found': {
    title: 'There is no such subscription',
    advice: 'GET /v1/subscriptions lists them; PUT /v1/subscriptions/{name} makes one.',
  },
  'subscription-differs': {
    title: 'The subscription exists with other settings',
    advice:
      'Change it with PATCH /v1/subscriptions/{name}; order and startFrom stay as they were made.',
  },
  'subscription-ahead': {
    title: 'The subscription stands beyond the end of the log',
    advice:
      'The database went back to an older state. Say where to go on: POST /v1/subscriptions/{name}/reset.',
  },
  'subscription-full': {
    title: 'Too many events of the subscription are parked',
    advice:
      'Have them handed out again with POST /v1/subscriptions/{name}/parked/replay, or give them up with /parked/skip.',
  },
  'too-many-subscriptions': {
    title: 'The limit of subscriptions is reached',
    advice: 'Delete those that nobody reads any more; up to 1,000 are kept.',
  },
  'too-many-queues': {
    title: 'The limit of queues is reached',
    advice: 'Use an existing queue, or tags to tell jobs apart; up to 1,000 queues are kept.',
  },
  'too-many-types': {
    title: 'The limit of job types is reached',
    advice:
      'Use an existing type, and say what differs in the payload or by tags; up to 10,000 types are kept.',
  },
  'worker-not-found': {
    title: 'The worker session is unknown or has ended',
    advice: 'Claim again to open a new session; the jobs of the old one have been given to others.',
  },
  'illegal-transition': {
    title: 'The job’s state does not allow this',
    advice: 'Read the job and decide again; docs/states.md shows what each state allows.',
  },
  'lease-lost': {
    title: 'The lease on this job is no longer yours',
    advice:
      'Stop working on the job: it was released, cancelled or given to another worker. Its outcome was not recorded.',
  },
  'already-recorded': {
    title: 'The outcome of this claim is already recorded',
    advice: 'Nothing to do: an earlier try got through.',
  },
  'idempotency-key-reused': {
    title: 'The idempotency key was used with another body',
    advice: 'Use a new key for a new request, or repeat the first request unchanged.',
  },
  'unique-key-held': {
    title: 'A live job holds this unique key',
    advice: 'Wait until the job named in `jobId` has ended, cancel it, or leave out the key.',
  },
  'key-busy': {
    title: 'Another request with this key is still running',
    advice: 'Try again in a second.',
  },
  'request-timeout': {
    title: 'The request was not sent to its end in time',
    advice: 'Send it again, on a new connection.',
  },
  'queue-full': {
    title: 'Too many jobs wait in this queue',
    advice:
      'Try again after the seconds named in Retry-After; more workers, or a higher maxWaiting, make room.',
  },
  'payload-too-large': {
    title: 'The payload or the request is too large',
    advice:
      'Store large data elsewhere and submit a reference to it; the limit is 1 MiB per payload.',
  },
  'headers-too-large': {
    title: 'The address and the headers of the request are too large',
    advice: 'Send fewer or shorter headers; all together may have 16 KiB.',
  },
  'payload-invalid': {
    title: 'The payload does not fit the schema of its type',
    advice: 'Correct the fields listed in `errors`.',
  },
  'unknown-type': {
    title: 'This worker has no handler for the type',
    advice: 'Add a definition for the type to the worker’s jobs module.',
  },
  'handler-timeout': {
    title: 'The handler did not end in time',
    advice: 'Raise timeoutMs, or let the handler honour its AbortSignal.',
  },
  'wait-timeout': {
    title: 'The job did not end while the caller waited',
    advice: 'Wait again: the job goes on.',
  },
  'concurrent-change': {
    title: 'The job was changed by others again and again',
    advice: 'Read the job and try again.',
  },
  'claims-busy': {
    title: 'The claim table cannot be made anew now',
    advice:
      'Stop the workers or end the transactions that hold jobs, then try again; pg_locks shows who holds job_claims.',
  },
  'export-incomplete': {
    title: 'The log cannot be exported whole',
    advice:
      'Do what the message says, or run `daybook verify`: it says what is missing; restore that from a backup first.',
  },
  'source-refused': {
    title: 'What is to be restored is not whole, or not Daybook’s',
    advice: 'Export again, or fetch the file again; the message names the line or the event.',
  },
  'database-not-empty': {
    title: 'There is something in the database already',
    advice: 'Restore into an empty database, or into another --schema of this one.',
  },
  'restore-busy': {
    title: 'The database is in use while it should be restored',
    advice: 'Stop every process of Daybook on it, let other restores end, and try again.',
  },
  'verification-not-found': {
    title: 'There is no such verification',
    advice: 'Start one with POST /v1/verify; each server remembers its last ten.',
  },
  aborted: {
    title: 'The caller ended this',
    advice: 'Nothing to do: the signal that was given along has aborted.',
  },
  'projection-behind': {
    title: 'The read model has not reached the token yet',
    advice: 'Try again in a moment, or read without the token.',
  },
  'token-expired': {
    title: 'The log cannot be read on from there',
    advice:
      'Read what you keep anew and begin again, at `start` or `end`; docs/guides/subscriptions.md tells more.',
  },
  'position-ahead': {
    title: 'The log has not reached this position',
    advice:
      'Give a token or position that this log gave; if the database went back to an older state, open a new epoch.',
  },
  'write-lost': {
    title: 'The write that this token names is no longer there',
    advice:
      'The database went back to an older state: read the job again, and repeat the write if it is missing.',
  },
  'read-only': {
    title: 'This server takes no writes',
    advice: 'Send writes to a process that is connected to the primary server.',
  },
  'database-unavailable': {
    title: 'The database cannot be reached',
    advice:
      'Check that Postgres runs and accepts connections. A process goes on by itself once it does; run a command again.',
  },
  'database-refused': {
    title: 'The database does not let this user do it',
    advice:
      'Correct user, password and database in DATABASE_URL; make the database, or give the user the right that is named.',
  },
  'pool-exhausted': {
    title: 'No connection of the pool came free',
    advice:
      'Give the pool more connections than transactions use it at the same time, or submit to queues and types that exist already.',
  },
  'migration-needed': {
    title: 'The database schema is not the one this version needs',
    advice: 'Run `daybook migrate` with this version.',
  },
  'migration-failed': {
    title: 'A migration did not go through',
    advice:
      'Nothing of it was kept. Mend the cause named in the message and run `daybook migrate` again.',
  },
  'jobs-module-invalid': {
    title: 'The jobs module cannot be used',
    advice: 'Export an array of job definitions as `jobs` (see examples/starter/jobs.ts).',
  },
  'relay-client-missing': {
    title: 'The client package of the relay is not there',
    advice:
      'Install the package named in the message beside Daybook, or take the other one (EVENTSTORE_CLIENT).',
  },
  'relay-target-unavailable': {
    title: 'The target of the relay does not answer',
    advice: 'Check EVENTSTORE_URL and the server it names; asking again is harmless.',
  },
  'port-in-use': {
    title: 'The port is taken',
    advice: 'Stop the other program, or choose another port with --port.',
  },
  'embedded-postgres-failed': {
    title: 'The embedded Postgres could not be started',
    advice: 'Do what the message says, or set DATABASE_URL to a Postgres of your own.',
  },
  closed: {
    title: 'This Daybook is closed',
    advice: 'Open a new one.',
  },
  overloaded: {
    title: 'The server is shutting down or has too much to do',
    advice: 'Try again after the seconds named in Retry-After.',
  },
  internal: {
    title: 'Something went wrong inside Daybook',
    advice: 'Please report it with the request id and the server’s log.',
  },
} as const satisfies Record<string, { title: string; advice: string }>;

export type ErrorCode = keyof typeof errorCatalogue;
