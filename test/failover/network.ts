import { spawnSync } from 'node:child_process';

/** A machine that is none: a network namespace with an address of its own. */
export interface Host {
  readonly address: string;
  /** What a program is run by to be on this host. */
  readonly by: readonly string[];
  /** Takes it off the network, without a word to anybody. */
  cutOff(): void;
}

export interface Network {
  /** Of this machine, as the hosts reach it. */
  readonly address: string;
  host(name: string): Host;
  /** Takes all of it away. */
  remove(): void;
}

/** Runs a program to its end. @throws Error with what it said */
export function run(...words: readonly string[]): string {
  const [program = '', ...args] = words;
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

/** A network of hosts that hang on one bridge, which has the first address. Needs root. */
export function createNetwork(): Network {
  const id = process.pid.toString(36);
  const bridge = `dbk${id}`;
  const prefix = '10.213.77';
  const made: string[] = [];
  const links: string[] = [];
  run('ip', 'link', 'add', bridge, 'type', 'bridge');
  run('ip', 'address', 'add', `${prefix}.1/24`, 'dev', bridge);
  run('ip', 'link', 'set', bridge, 'up');
  return {
    address: `${prefix}.1`,
    host(name) {
      const space = `dbk-${id}-${name}`;
      const number = made.length + 2;
      const [near, far] = [`d${id}n${number}`, `d${id}f${number}`];
      const address = `${prefix}.${number}`;
      run('ip', 'netns', 'add', space);
      made.push(space);
      run('ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', space);
      links.push(near);
      run('ip', 'link', 'set', near, 'master', bridge, 'up');
      const by = ['ip', 'netns', 'exec', space];
      run(...by, 'ip', 'address', 'add', `${address}/24`, 'dev', far);
      run(...by, 'ip', 'link', 'set', far, 'up');
      run(...by, 'ip', 'link', 'set', 'lo', 'up');
      return { address, by, cutOff: () => void run('ip', 'link', 'set', near, 'down') };
    },
    remove() {
      // By themselves they would go a while after their namespace, and their names are given again.
      for (const near of links) run('ip', 'link', 'delete', near);
      for (const space of made) run('ip', 'netns', 'delete', space);
      run('ip', 'link', 'delete', bridge);
    },
  };
}
