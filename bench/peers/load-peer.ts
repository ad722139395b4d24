/**
 * A package of this folder. Its types are not: peers are installed only when the benchmark runs, and
 * the project is checked without them, so whoever loads one says what of it is used.
 */
export async function loadPeer<Api>(name: string): Promise<Api> {
  return (await import(name)) as Api;
}
