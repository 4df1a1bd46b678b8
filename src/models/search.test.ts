import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { drawValue } from '../search-space.js';
import { MODELS } from './index.js';

describe('what the models declare', () => {
  it.each(MODELS.map((model) => [model.name, model] as const))('%s: every value is one of its options', (_, model) => {
    expect(Object.keys(model.search ?? {}).length).toBeGreaterThan(0);
    const random = Random.of(2, model.name);
    for (let i = 0; i < 20; i++) {
      const drawn = Object.fromEntries(
        Object.entries(model.search!).map(([key, range]) => [key, drawValue(range, random)]),
      );
      expect(model.options.parse(drawn)).toMatchObject(drawn);
    }
  });
});
