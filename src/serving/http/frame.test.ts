import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame, FrameError } from './frame.js';

test('a frame comes back as it was, from any place in a buffer', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.int32Array(),
      fc.float64Array({ noNaN: true }),
      fc.bigUint64Array(),
      fc.nat(9),
      (word, ints, floats, bigs, shift) => {
        const frame = { head: { word }, arrays: { ints, floats, bigs } };
        const bytes = encodeFrame(frame);
        const moved = new Uint8Array(bytes.length + shift);
        moved.set(bytes, shift);
        expect(decodeFrame(moved.subarray(shift))).toEqual(frame);
        expect(decodeFrame(Buffer.from(moved.buffer, shift))).toEqual(frame);
      },
    ),
    { numRuns: 100 },
  );
});

test('the layout is as documented', () => {
  const bytes = encodeFrame({ head: {}, arrays: { a: Int32Array.of(7, -1, 2) } });
  const head = JSON.stringify({ arrays: [{ name: 'a', type: 'int32', length: 3 }] });
  const padded = Math.ceil((8 + head.length) / 8) * 8;
  expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe('TTF1');
  expect(new DataView(bytes.buffer).getUint32(4, true)).toBe(padded - 8);
  expect(new TextDecoder().decode(bytes.subarray(8, padded))).toBe(head.padEnd(padded - 8));
  expect([...bytes.subarray(padded)]).toEqual([7, 0, 0, 0, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 0]);
});

test('damaged frames are refused, never misread: every cut and any changed byte', () => {
  const bytes = encodeFrame({ head: { user: 1 }, arrays: { keys: Float64Array.of(1, 2, 3) } });
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeFrame(bytes.subarray(0, length)), `${length} bytes`).toThrow(FrameError);
  }
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const changed = bytes.slice();
      changed[at] = value;
      try {
        const { arrays } = decodeFrame(changed);
        for (const values of Object.values(arrays)) expect(values.byteLength).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});

test.each([
  ['not this format', (bytes: Uint8Array) => bytes.fill(0, 0, 4), /TTF1/],
  ['a head longer than the frame', (bytes: Uint8Array) => bytes.fill(255, 4, 8), /head of/],
])('%s', (_, damage, says) => {
  const bytes = encodeFrame({ head: {}, arrays: {} });
  damage(bytes);
  expect(() => decodeFrame(bytes)).toThrow(says);
});

test('bytes too many are refused', () => {
  const bytes = encodeFrame({ head: {}, arrays: {} });
  const longer = new Uint8Array(bytes.length + 16);
  longer.set(bytes);
  expect(() => decodeFrame(longer)).toThrow(/too many/);
});
