/** What your own tests need: `import { … } from 'daybook/testing'`. */
export {
  type ClientQuery,
  type GivenEvent,
  specificationForConsumer,
  type WhenEvents,
  type WhenHandled,
} from './testing/consumer-specification.ts';
export { type Drained, drain, type DrainOptions } from './testing/drain.ts';
export { createFakeClock, type FakeClock } from './testing/fake-clock.ts';
export * from './testing/given-when-then.ts';
