import type * as daybook from '../src/daybook.ts';

/** What users import. */
export type Package = typeof daybook;

/**
 * The package as it is built for publishing. Running the sources through tsx costs the full cycle 4 %,
 * and nobody who installs Daybook runs it so.
 */
export async function loadPackage(): Promise<Package> {
  return (await import(new URL('../dist/daybook.js', import.meta.url).href)) as Package;
}
