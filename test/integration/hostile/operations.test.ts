import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FUZZ_REQUESTS, FUZZ_SEED } from '../../support/fuzz-settings.ts';
import { operationsOf } from './document.ts';
import { type HostileServer, openHostileServer } from './hostile-server.ts';
import { createJudge, type Judge } from './judge.ts';
import { type HostileRequest, type Manner, requestsFor } from './requests.ts';

const share: Readonly<Record<Manner, number>> = { valid: 0.25, near: 0.45, wild: 0.3 };
const addresses = readFileSync(new URL('../../golden/operations.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');

let server: HostileServer;
let judge: Judge;
/** Of the database, as it was after the last request that asked it for something. */
let mark = '';
let sent = 0;
const statuses = new Map<number, number>();
beforeAll(async () => {
  console.log(`DAYBOOK_FUZZ_SEED=${FUZZ_SEED} sends the same requests again.`);
  server = await openHostileServer();
  judge = createJudge(server.document);
  mark = await server.writeMark();
});
afterAll(async () => {
  const counted = [...statuses].toSorted(([a], [b]) => a - b);
  console.log(
    `${sent} requests: ${counted.map(([status, count]) => `${status} ${count} times`).join(', ')}`,
  );
  await server.close();
});

/** Sends a request and judges the answer. True if it was refused. */
async function isRefused(request: HostileRequest): Promise<boolean> {
  const answer = await server.send(request);
  sent += 1;
  statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
  const fault = judge(request, answer);
  if (fault !== null) throw new Error(`${fault}\n${inspect(server.defects(), { depth: 6 })}`);
  return answer.status >= 400;
}

async function isAnsweredWell(request: HostileRequest): Promise<void> {
  const asked = server.asked();
  const refused = await isRefused(request);
  // Who asks nothing of the database writes nothing.
  if (server.asked() === asked) return;
  const before = mark;
  mark = await server.writeMark();
  if (!refused || mark === before) return;
  // Something was written, or taken back: what was refused must not have left anything.
  const state = await server.written();
  if (await isRefused(request)) expect(await server.written()).toEqual(state);
  mark = await server.writeMark();
}

it.each(addresses)('%s answers valid, nearly valid and wild requests', async (address) => {
  const operation = operationsOf(server.document).find(
    ({ method, path }) => `${method} ${path}` === address,
  );
  if (operation === undefined) throw new Error(`${address} is not in the document.`);
  for (const manner of ['valid', 'near', 'wild'] as const) {
    const numRuns = Math.ceil((FUZZ_REQUESTS * share[manner]) / addresses.length);
    const requests = requestsFor(server.document, server.samples, operation, manner);
    const property = fc.asyncProperty(requests, isAnsweredWell);
    await fc.assert(property, { seed: FUZZ_SEED, numRuns, includeErrorInReport: true });
  }
});

it('has asked for as much as it was told to', () => {
  expect(sent).toBeGreaterThanOrEqual(FUZZ_REQUESTS);
  for (const status of [200, 201, 204, 400, 404, 409, 413, 415]) {
    expect([...statuses.keys()]).toContain(status);
  }
});
