import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareBatch } from './batch-share.js';

test('every request, item and pair of a batch has one owner, and pairs lie with their request', () => {
  const batches = fc.integer({ min: 0, max: 30 }).chain((requests) =>
    fc.record({
      requests: fc.constant(requests),
      items: fc.integer({ min: 0, max: 40 }),
      pairs: fc.array(fc.integer({ min: 0, max: Math.max(0, requests - 1) }), { maxLength: requests === 0 ? 0 : 60 }),
      size: fc.integer({ min: 1, max: 7 }),
    }),
  );
  fc.assert(
    fc.property(batches, ({ requests, items, pairs, size }) => {
      const pairRequest = Int32Array.from(pairs);
      const shares = Array.from({ length: size }, (_, rank) =>
        shareBatch({ rank, size }, requests, items, pairRequest),
      );
      const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
      expect(shares.flatMap(({ B }) => [...B.own])).toEqual(upTo(requests));
      expect(shares.flatMap(({ I }) => [...I.own])).toEqual(upTo(items));
      // Put together rank by rank, the pairs stand where `order` says.
      expect(shares.flatMap(({ P }) => [...P.own])).toEqual([...shares[0]!.P.order!]);
      expect([...shares[0]!.P.order!].sort((a, b) => a - b)).toEqual(upTo(pairs.length));
      shares.forEach(({ B, I, P }, rank) => {
        for (const rows of [B, I, P]) expect(rows.own).toHaveLength(rows.counts[rank]!);
        expect([...P.own]).toEqual([...P.own].sort((a, b) => a - b));
        const own = new Set(B.own);
        for (const pair of P.own) expect(own.has(pairRequest[pair]!)).toBe(true);
      });
      for (const name of ['B', 'I'] as const) {
        const { counts } = shares[0]![name];
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }
    }),
  );
});
