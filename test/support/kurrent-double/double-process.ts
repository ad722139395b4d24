import { startKurrentDouble } from './kurrent-double.ts';

// The double in a process of its own, as a server is: `tsx double-process.ts`
// prints its address in one line, and ends with its parent.

const double = await startKurrentDouble();
console.log(double.url);
process.stdin.resume();
process.stdin.on('end', () => process.exit());
