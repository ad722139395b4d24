import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { startScript } from '../scripts/script-process.ts';
import { atRate } from './at-rate.ts';

/** The bin of the package as it is built. */
const bin = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/**
 * Submits single jobs over HTTP, keep-alive, to a `daybook start` process of its own.
 * @returns ms per request
 */
export async function httpSubmit(
  connectionString: string,
  schema: string,
  perSecond: number,
  seconds: number,
): Promise<number[]> {
  const args = ['start', '--port', '0', '--schema', schema, '--queue', 'elsewhere'];
  const server = startScript(bin, args, { env: { DATABASE_URL: connectionString } });
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  try {
    const [, url = ''] = await server.line(/listens at (\S+)/);
    const body = JSON.stringify({ type: 'bench', queue: 'bench', payload: { hello: 'world' } });
    const submit = () => post(`${url}/v1/jobs`, body, agent);
    await atRate(perSecond, 2, submit);
    const samples: number[] = [];
    await atRate(perSecond, seconds, async () => {
      const at = performance.now();
      await submit();
      samples.push(performance.now() - at);
    });
    return samples;
  } finally {
    agent.destroy();
    await server.stop('SIGTERM');
  }
}

function post(url: string, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => {
        if (answer.statusCode === 201) resolve();
        else reject(new Error(`The server answered ${answer.statusCode}.`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
