/** Lets few read from the database at a time; the others wait for their turn, first come first served. */
export interface ReadingTurns {
  take<Result>(read: () => Promise<Result>): Promise<Result>;
}

export function createReadingTurns(atOnce: number): ReadingTurns {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return {
    async take(read) {
      if (free > 0) free -= 1;
      else await new Promise<void>((go) => waiting.push(go));
      try {
        return await read();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
