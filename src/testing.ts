/** What your own tests need: `import { … } from 'daybook/testing'`. */
export { type Drained, drain, type DrainOptions } from './testing/drain.ts';
export { createFakeClock, type FakeClock } from './testing/fake-clock.ts';
export * from './testing/given-when-then.ts';
