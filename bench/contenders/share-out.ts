/** Deals `all` out to `hands`, one by one: as many to each as to any other, give or take one. */
export function shareOut<T>(all: readonly T[], hands: number): T[][] {
  const dealt = Array.from({ length: Math.min(hands, all.length) }, (): T[] => []);
  for (const [index, each] of all.entries()) dealt[index % dealt.length]?.push(each);
  return dealt;
}
