import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createTestApi, type TestApi } from './api-server.ts';

/** One server for the file, and a queue of its own for each test, handed over before it. */
export function eachWithQueue(prefix: string, use: (api: TestApi, queue: string) => void): void {
  let api: TestApi;
  let queues = 0;
  beforeAll(async () => {
    api = await createTestApi();
  });
  beforeEach(() => {
    queues += 1;
    use(api, `${prefix}-${queues}`);
  });
  afterAll(() => api.close());
}
