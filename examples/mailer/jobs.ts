import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { defineJob, NotRetryableError } from '../../src/daybook.ts';

const transport = createTransport({
  host: '127.0.0.1',
  port: Number(process.env['MAILER_SMTP_PORT']),
  pool: true,
  maxConnections: 10,
  maxMessages: Number.POSITIVE_INFINITY,
  // Trying again is what the queue is for, where it is written down.
  maxRequeues: 0,
});

/** Sends one mail. The Message-ID is the job's id, so whoever receives it twice can tell. */
const sendMail = defineJob({
  type: 'send-mail',
  queue: 'mail',
  payload: z.strictObject({ name: z.string(), email: z.email() }),
  maxAttempts: 5,
  retry: { kind: 'exponential', baseMs: 200, factor: 2, maxMs: 5_000, jitter: 0.2 },
  timeoutMs: 10_000,
  async handler({ name, email }, { job }) {
    try {
      const sent = await transport.sendMail({
        messageId: `<${job.id}@daybook.example>`,
        from: 'Daybook <hello@daybook.example>',
        to: { name, address: email },
        subject: 'Everything is written down',
        text: `Dear ${name},\n\nthis is attempt ${job.attempt} of job ${job.id}.\n`,
      });
      return { response: sent.response };
    } catch (error) {
      throw isForGood(error) ? new NotRetryableError(messageOf(error), { cause: error }) : error;
    }
  },
});

/** SMTP answers of class 5 will be the same next time; 421 is of class 4. */
function isForGood(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error)) return false;
  return Number(error.responseCode) >= 500;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const jobs = [sendMail];
