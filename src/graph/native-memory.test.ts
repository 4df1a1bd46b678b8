import { expect, test } from 'vitest';
import { discard, keepFreedMemory } from './native-memory.js';

const external = () => process.memoryUsage().external;

test('what is discarded is free before any garbage is collected', () => {
  const before = external();
  const large = new Float32Array(25e6);
  expect(external() - before).toBeGreaterThanOrEqual(100e6);
  discard([large.buffer]);
  expect(large.length).toBe(0);
  expect(external() - before).toBeLessThan(1e6);
});

test('keeping freed memory holds none itself', () => {
  const before = external();
  keepFreedMemory();
  expect(external() - before).toBeLessThan(1e6);
});
