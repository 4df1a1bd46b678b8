import fc from 'fast-check';
import { expect, it } from 'vitest';
import { passesOver } from './passes.js';

it('goes over every part whole in every epoch, each batch once (property)', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 6 }).filter((sizes) => sizes.some((size) => size > 0)),
      fc.integer({ min: 1, max: 7 }),
      fc.nat(),
      (sizes, batchSize, seed) => {
        const passes = passesOver(sizes, batchSize, seed);
        for (let epoch = 0; epoch < 3; epoch++) {
          const places = Array.from({ length: passes.stepsPerEpoch }, (_, i) =>
            passes.at(epoch * passes.stepsPerEpoch + i),
          );
          const wanted = sizes.flatMap((size, part) =>
            Array.from({ length: Math.ceil(size / batchSize) }, (_, step) => `${part} ${step}`),
          );
          expect(places.map(({ part, step }) => `${part} ${step}`).sort()).toEqual(wanted.sort());
          places.forEach((place, i) => {
            const before = places[i - 1];
            if (place.step > 0) expect(place).toEqual({ ...before, step: before!.step + 1 });
            else if (before !== undefined) expect(place.pass).toBeGreaterThan(before.pass);
            expect(Math.floor(place.pass / sizes.length)).toBe(epoch);
          });
        }
      },
    ),
  );
});

it('orders the parts by seed and epoch, and gives any step at any time', () => {
  const orderOf = (seed: number, epoch: number) => {
    const passes = passesOver(new Array(8).fill(1), 1, seed);
    return Array.from({ length: 8 }, (_, i) => passes.at(epoch * 8 + 7 - i).part).reverse();
  };
  expect(orderOf(1, 0)).toEqual(orderOf(1, 0));
  expect(orderOf(1, 0)).not.toEqual(orderOf(1, 1));
  expect(orderOf(1, 0)).not.toEqual(orderOf(2, 0));
});

it('a log that is held whole has one pass an epoch', () => {
  const { stepsPerEpoch, at } = passesOver([10], 4, 1);
  expect(stepsPerEpoch).toBe(3);
  expect([0, 2, 3, 7].map(at)).toEqual([
    { part: 0, pass: 0, step: 0 },
    { part: 0, pass: 0, step: 2 },
    { part: 0, pass: 1, step: 0 },
    { part: 0, pass: 2, step: 1 },
  ]);
});
