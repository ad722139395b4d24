import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

// The default of vitest is a second, which a machine with other work does not keep.
const { waitFor } = vi;
vi.waitFor = (callback, options = {}) => {
  const given = typeof options === 'number' ? { timeout: options } : options;
  return waitFor(callback, { timeout: PATIENCE_MS, ...given });
};
