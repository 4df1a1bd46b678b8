import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { broadcast, type Dim, evaluate, product, quotient } from './shape.js';

const bound = new Map([
  ['A', 2],
  ['B', 5],
  ['N', 7],
]);
const dim = fc.oneof<fc.Arbitrary<Dim>[]>(
  fc.integer({ min: 1, max: 6 }),
  fc.constantFrom('A', 'B', 'N', 'A*B', '3*N', '2*A*A'),
);

describe('product', () => {
  it('is canonical whatever the order', () => {
    expect(product(['N', 3, 'B', 2])).toBe('6*B*N');
    expect(product([2, 5])).toBe(10);
    expect(product([])).toBe(1);
    fc.assert(fc.property(fc.array(dim, { maxLength: 5 }), (dims) => product(dims) === product(dims.toReversed())));
  });

  it('has the value of its factors', () => {
    const property = fc.property(fc.array(dim, { maxLength: 5 }), (dims) => {
      const expected = dims.reduce((total: number, d) => total * evaluate(d, bound), 1);
      expect(evaluate(product(dims), bound)).toBe(expected);
    });
    fc.assert(property);
  });
});

describe('quotient', () => {
  it('undoes the product', () => {
    const property = fc.property(dim, fc.array(dim, { maxLength: 4 }), (first, rest) => {
      expect(quotient(product([first, ...rest]), product(rest))).toBe(product([first]));
    });
    fc.assert(property);
  });

  it('is undefined where it is not whole', () => {
    expect(quotient(10, 4)).toBeUndefined();
    expect(quotient('3*B', 'N')).toBeUndefined();
    expect(quotient('B', 'B*B')).toBeUndefined();
  });
});

describe('broadcast', () => {
  it.each<[Dim[], Dim[], Dim[] | undefined]>([
    [[3], [2, 1], [2, 3]],
    [['B', 3], [3], ['B', 3]],
    [
      [1, 'N'],
      ['B', 1],
      ['B', 'N'],
    ],
    [[], ['B'], ['B']],
    [[2], [3], undefined],
    [['B'], ['N'], undefined],
    [['B'], [2], undefined],
  ])('%j with %j is %j', (a, b, expected) => {
    expect(broadcast(a, b)).toEqual(expected);
    expect(broadcast(b, a)).toEqual(expected);
  });
});

describe('evaluate', () => {
  it('names the size it does not know', () => {
    expect(() => evaluate('2*Q', bound)).toThrow('Q is not bound');
  });
});
