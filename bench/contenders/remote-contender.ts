import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { untilStopped } from '../servers/running.ts';
import type { Answer, Answers, Order } from './messages.ts';

const runner = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));
const program = fileURLToPath(new URL('./contender-process.ts', import.meta.url));

/** A contender in a process of its own. */
export interface RemoteContender {
  /** @throws Error with the stack of what failed there, or when the process ends instead of answering */
  order<Step extends Order['step']>(order: Order & { readonly step: Step }): Promise<Answers[Step]>;
  /** Ends the process, whatever it is doing. */
  end(): Promise<void>;
}

/** @param node the program that runs it */
export function startContender(node: string): RemoteContender {
  const child = fork(runner, [program], {
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const exited = once(child, 'exit');
  return {
    async order({ step, ...rest }) {
      const answered = nextAnswer(child);
      child.send({ step, ...rest });
      const answer = await answered;
      if ('error' in answer) throw new Error(`It failed to ${step}: ${answer.error}`);
      return answer.result as Answers[typeof step];
    },
    end: untilStopped(async () => {
      child.kill('SIGKILL');
      await exited;
    }),
  };
}

function nextAnswer(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const over = (code: number | null, signal: string | null) => {
      reject(new Error(`The contender ended (${signal ?? `exit code ${code}`}).`));
    };
    child.once('exit', over);
    child.once('message', (answer) => {
      child.off('exit', over);
      resolve(answer as Answer);
    });
  });
}
