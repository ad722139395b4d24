import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { createAdmission } from './refusals/admission.ts';
import { requestIdOf } from './requests/caller.ts';
import { asyncApiRoute } from './asyncapi.ts';
import { createClientErrors } from './refusals/client-errors.ts';
import { createClaimsInProgress } from './claiming/claims-in-progress.ts';
import { type Api, type ApiDependencies, withDefaults } from './dependencies.ts';
import { noRoute, watchMethods } from './refusals/known-methods.ts';
import { takeJsonOnly } from './requests/json-bodies.ts';
import { createLocalOnly } from './refusals/local-only.ts';
import { createOpenStreams, type OpenStreams } from './events/open-streams.ts';
import { documentRoutes } from './openapi.ts';
import { DaybookError } from '../kernel/errors.ts';
import { problemOf } from './problem.ts';
import { claimRoute } from './routes/claim.ts';
import { errorPages } from './routes/error-pages.ts';
import { eventRoutes } from './routes/log/events.ts';
import { healthRoutes } from './routes/health.ts';
import { jobChangeRoutes } from './routes/job-changes.ts';
import { jobRoutes } from './routes/job.ts';
import { jobListRoute } from './routes/jobs.ts';
import { consumerRoutes } from './routes/log/consumers.ts';
import { jobHistoryRoutes } from './routes/log/job-history.ts';
import { deliveryRoutes } from './routes/log/deliveries.ts';
import { subscriptionRoutes } from './routes/log/subscriptions.ts';
import { outcomeRoutes } from './routes/outcomes.ts';
import { queueRoutes } from './routes/queues.ts';
import { submissionRoutes } from './routes/submissions.ts';
import { verifyRoutes } from './routes/log/verify.ts';
import { workerRoutes } from './routes/workers.ts';
import { failureRoute } from './statistics/failures-route.ts';
import { statsRoute } from './statistics/stats-route.ts';
import { serializerCompiler, validatorCompiler } from './requests/validation.ts';
import { createWaits, type Waits } from './requests/waits.ts';

/** Bytes of a body that carries no payload: 1,000 claims and more. */
const SMALL_BODY = 1_048_576;
/** Characters of a name in a path: what is too long for one, its schema says. Node bounds a whole URL. */
const ANY_LENGTH = 65_536;
/** Claims remembered for metrics. */
const CLAIMS = 20_000;

/**
 * The HTTP server of one process, not listening yet: call `listen`, and `close` to stop; requests
 * that wait are answered then with what there is.
 */
export function createServer(dependencies: ApiDependencies): FastifyInstance {
  const api = withDefaults(dependencies);
  const clientErrors = createClientErrors();
  const app = fastify({
    bodyLimit: SMALL_BODY,
    requestTimeout: api.limits.requestTimeoutMs,
    routerOptions: { maxParamLength: ANY_LENGTH },
    genReqId: requestIdOf,
    // Stops answering on connections that are kept alive, instead of waiting for their clients.
    forceCloseConnections: 'idle',
    clientErrorHandler: clientErrors.answer,
    frameworkErrors: (error, request, reply) => answerError(api, error, request, reply),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => answerError(api, error, request, reply));
  clientErrors.watch(app.server);
  takeJsonOnly(app);
  guard(app, api);
  const methodsOf = watchMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    // A folder knows every file by GET, whether it is there or not.
    const known = methodsOf(path);
    const methods = known.includes(request.method) ? [] : known;
    if (methods.length > 0) reply.header('allow', methods.join(', '));
    answerError(api, noRoute(request.method, path, methods), request, reply);
  });

  const waits = createWaits(api.limits.waiting);
  const streams = createOpenStreams(api.limits.subscribers);
  endGracefully(app, waits, streams);
  if (dependencies.tail === undefined) app.addHook('onClose', () => api.tail.stop());
  void app.register(async (scope) => {
    await documentRoutes(scope, api.version);
    addRoutes(scope, api, waits, streams);
  });
  return app;
}

/**
 * Closing ends waits and streams early, and lets go of connections as their answers are sent: a client that keeps
 * its connection alive would otherwise keep the server from closing.
 */
function endGracefully(app: FastifyInstance, waits: Waits, streams: OpenStreams): void {
  let closing = false;
  const sockets = new Set<Socket>();
  app.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  app.addHook('preClose', (done) => {
    closing = true;
    waits.endAll();
    streams.endAll();
    // Opened ahead, and never asked anything: Node takes such a connection for busy, for a minute.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}

function addRoutes(scope: FastifyInstance, api: Api, waits: Waits, streams: OpenStreams): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const inProgress = createClaimsInProgress(CLAIMS);
  submissionRoutes(app, api);
  jobListRoute(app, api);
  jobRoutes(app, api, waits);
  jobChangeRoutes(app, api);
  queueRoutes(app, api);
  statsRoute(app, api);
  failureRoute(app, api);
  claimRoute(app, api, waits, inProgress);
  outcomeRoutes(app, api, inProgress);
  workerRoutes(app, api);
  consumerRoutes(app, api);
  jobHistoryRoutes(app, api);
  verifyRoutes(app, api);
  subscriptionRoutes(app, api);
  deliveryRoutes(app, api, waits);
  eventRoutes(app, api, streams);
  healthRoutes(app, api);
  asyncApiRoute(app, api.version);
  errorPages(app);
}

function guard(app: FastifyInstance, { context, limits }: Api): void {
  const localOnly = createLocalOnly(limits.allowedHosts);
  const admission = createAdmission({ ...limits, waitingMs: () => context.database.waitingMs() });
  app.addHook('onRequest', (request, reply, done) => {
    prepareReply(request, reply);
    try {
      onlyOneHost(request.raw);
      localOnly(request.headers, request.url);
      admission.admit(request, reply);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Of two, this server might serve one and a proxy before it the other. @throws DaybookError `malformed-request` */
function onlyOneHost({ rawHeaders }: FastifyRequest['raw']): void {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === 'host').length <= 1) return;
  throw new DaybookError('malformed-request', 'The request has more than one Host header.');
}

function prepareReply(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  reply.header('cache-control', 'no-store');
}

/** Every error leaves as problem+json; a defect is logged with its cause, which the caller never sees. */
function answerError(api: Api, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { problem, retryAfterS, unexpected } = problemOf(error, request.id, pathOf(request));
  if (unexpected) {
    const { id: requestId, method } = request;
    const context = { requestId, method, path: pathOf(request), error };
    api.context.observer.warn('a request failed unexpectedly', context);
  }
  prepareReply(request, reply);
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS));
  reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/** Without the query, in which there may be more than should be shown. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}
