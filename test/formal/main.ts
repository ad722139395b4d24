import { hasTools } from '../support/system-tool.ts';
import { type Check, checkModel, checks } from './models.ts';

if (!hasTools('spin', 'cc')) {
  console.error('Install them: apt-get install spin gcc');
  process.exit(2);
}

const columns = [12, 22, 38, 8, 30] as const;
const row = (...cells: string[]) =>
  console.log(cells.map((cell, index) => cell.padEnd(columns[index] ?? 0)).join(' '));

row('model', 'with', 'about', 'must', 'found');
let asExpected = true;
for (const check of checks) asExpected &&= await tell(check);
console.log(asExpected ? 'All as they must be.' : 'Something is not as it must be.');
process.exit(asExpected ? 0 : 1);

/** Checks a model and tells what was found; false where that is not what must be. */
async function tell(check: Check): Promise<boolean> {
  const { model, defines, about, holds } = check;
  const { states, seconds, failure } = await checkModel(check);
  const searched = `${states.toLocaleString('en-US')} states in ${seconds} s`;
  const found = failure === null ? `holds in ${searched}` : `fails after ${searched}: ${failure}`;
  row(model, defines.join(' '), about, holds ? 'hold' : 'fail', found);
  return (failure === null) === holds;
}
