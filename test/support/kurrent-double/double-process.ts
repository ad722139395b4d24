import { startKurrentDouble } from './kurrent-double.ts';
import type { Fault } from './faults.ts';

// The double in a process of its own, as a server is: `tsx double-process.ts`
// prints its address in one line, and ends with its parent. A parent with a channel to it
// may tell it what to do; each is answered once it is done.

/** What a parent tells the double to do. */
export type DoubleCommand =
  /** With the next appends, one after the other. */
  { readonly play: readonly Fault[] } | { readonly tombstone: string } | 'stop' | 'start';

const double = await startKurrentDouble();
const next: Fault[] = [];
double.chooseFaults(() => next.shift());
process.on('message', (command: DoubleCommand) => {
  void obey(command).then(() => process.send?.('done'));
});
console.log(double.url);
process.stdin.resume();
process.stdin.on('end', () => process.exit());

async function obey(command: DoubleCommand): Promise<void> {
  if (command === 'stop') await double.stop();
  else if (command === 'start') await double.start();
  else if ('play' in command) next.push(...command.play);
  else double.events.tombstone(command.tombstone);
}
