import { z } from 'zod';
import { type ApiServer, operation } from '../../operation.ts';
import { shownMs, uuidField } from '../../schemas/fields.ts';
import { verificationSchema, verifyBody } from '../../schemas/verification.ts';
import { createVerifications, type Verification } from '../../verifications.ts';
import { verify } from '../../../verify/verify.ts';
import type { Api } from '../../dependencies.ts';

const tags = ['operations'] as const;

const start = operation({
  operationId: 'verify',
  summary: 'Prove that the tables are what the log says',
  description:
    'Answers 200 when the run ends within a second, else 202 with where to ask for it. One run at a time: a second request joins the first.',
  tags,
  body: verifyBody,
  response: { 200: verificationSchema, 202: verificationSchema },
});
const read = operation(
  {
    operationId: 'getVerification',
    summary: 'Read how far a verification is, or what it has found',
    tags,
    params: z.strictObject({ id: uuidField }),
    response: { 200: verificationSchema },
  },
  [404],
);

/** How long a request waits for a run that may be quick. */
const QUICK_MS = 1_000;

/** /v1/verify and below. Runs belong to the process that started them. */
export function verifyRoutes(app: ApiServer, { context, clock }: Api): void {
  const verifications = createVerifications({
    run: (options) => verify(context.database, { ...options, clock }),
    newId: context.newId,
    clock,
    onError: (error) => context.observer.warn('a verification failed', { error }),
  });
  app.addHook('onClose', () => verifications.close());
  app.route({
    method: 'POST',
    url: '/v1/verify',
    schema: start,
    handler: async (request, reply) => {
      const { bodies = true, safety = false } = request.body ?? {};
      const run = await verifications.start({ bodies, safety }, QUICK_MS);
      const code = run.state === 'running' ? 202 : 200;
      return reply
        .code(code)
        .header('location', `/v1/verify/${run.id}`)
        .send(verificationView(run));
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/verify/:id',
    schema: read,
    handler: (request) => verificationView(verifications.get(request.params.id)),
  });
}

function verificationView({ startedAtMs, report, ...run }: Verification) {
  return {
    ...run,
    startedAt: shownMs(startedAtMs),
    report: report as z.input<typeof verificationSchema>['report'],
  };
}
