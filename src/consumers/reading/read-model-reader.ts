import type { Build } from '../builds/build.ts';
import { planForRanges } from '../statements/plan-for-ranges.ts';
import { statementOf } from '../statements/run-text.ts';
import type { BuildReader } from './apply-range.ts';

/**
 * Keeps a build of a read model by its own statements, as they were when the build was made: so a
 * process keeps the live build of an older version right while its own version is being built.
 */
export function createReadModelReader({ name, build, upkeep }: Build): BuildReader {
  const statements = (upkeep ?? []).map((text, index) =>
    statementOf(`upkeep of ${name}, build ${build}, ${index + 1}`, text),
  );
  return {
    name,
    build,
    async apply({ tx }, { after, upTo }) {
      await tx.run(planForRanges, {});
      for (const statement of statements) await tx.run(statement, [after, upTo]);
    },
  };
}
