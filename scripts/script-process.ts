import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('./run.mjs', import.meta.url));
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** A process that runs one TypeScript file of this project. */
export interface ScriptProcess {
  readonly child: ChildProcess;
  /** Everything it printed, stdout and stderr as they came. */
  readonly output: string;
  /** What of it is for programs. */
  readonly stdout: string;
  /** Resolves when it has ended, with its exit code; null if a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Resolves with the first line that matches, printed before or from now on. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal (to its group, if it has one of its own) and waits for the end. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

export interface ScriptOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** In a process group of its own, as a shell gives to each command. */
  readonly group?: boolean;
  /** What it is run by, such as `ip netns exec <name>`; default: nothing. */
  readonly by?: readonly string[];
}

/** Runs `file` (an absolute path) with arguments. */
export function startScript(
  file: string,
  args: readonly string[],
  { env = {}, group = false, by = [] }: ScriptOptions = {},
): ScriptProcess {
  const [program, ...words] = [...by, process.execPath, runner, file, ...args];
  const child = spawn(program ?? process.execPath, words, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: group,
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => resolve(code));
  });
  const lines: string[] = [];
  const printed: string[] = [];
  const looks = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (stream === child.stdout) printed.push(line);
      for (const look of looks) look(line);
    });
  }
  const line = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (text: string) => {
        const match = pattern.exec(text);
        if (match !== null) resolve(match);
      };
      looks.add(look);
      for (const text of lines) look(text);
      void exited.then((code) => {
        const how = child.signalCode ?? `code ${code}`;
        reject(new Error(`It ended (${how}) without that line:\n${lines.join('\n')}`));
      });
    });
  return {
    child,
    exited,
    line,
    get output() {
      return lines.join('\n');
    },
    get stdout() {
      return printed.join('\n');
    },
    async stop(signal) {
      const { pid } = child;
      if (child.exitCode === null && child.signalCode === null && pid !== undefined) {
        process.kill(group ? -pid : pid, signal);
      }
      return exited;
    },
  };
}

/** Runs `daybook <args>`. */
export function startDaybook(args: readonly string[], options: ScriptOptions = {}): ScriptProcess {
  return startScript(main, args, options);
}
