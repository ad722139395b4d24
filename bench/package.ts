import type * as daybook from '../src/daybook.ts';

/** What users import. */
export type Package = typeof daybook;
export type Daybook = Awaited<ReturnType<Package['openDaybook']>>;

/**
 * The package as it is built for publishing. Running the sources through tsx costs the full cycle 4 %,
 * and nobody who installs Daybook runs it so.
 */
export async function loadPackage(): Promise<Package> {
  return (await import(new URL('../dist/daybook.js', import.meta.url).href)) as Package;
}

type DaybookOptions = Parameters<Package['openDaybook']>[0];

/** Opens Daybook for as long as `work` takes. */
export async function withDaybook<T>(
  options: DaybookOptions,
  work: (daybook: Daybook) => Promise<T>,
): Promise<T> {
  const { openDaybook } = await loadPackage();
  const daybook = await openDaybook(options);
  try {
    return await work(daybook);
  } finally {
    await daybook.close();
  }
}
