import { describe, expect, it } from 'vitest';
import { zipOf } from './testing/zip.js';
import { unzip } from './unzip.js';

describe('unzip', () => {
  const files = { 'ml/a.txt': 'hello hello hello', 'ml/empty': '', 'b.bin': '\u0000\u0001' };

  it.each([true, false])('gives every file back (deflated: %s)', (deflated) => {
    const found = unzip(zipOf(files, deflated));
    expect(Object.fromEntries([...found].map(([name, bytes]) => [name, bytes.toString('latin1')]))).toEqual(files);
  });

  it('refuses what is no archive, and a truncated one', () => {
    expect(() => unzip(Buffer.from('hello'))).toThrow(expect.objectContaining({ code: 'DATA_DOWNLOAD' }));
    const whole = zipOf(files, true);
    expect(() => unzip(whole.subarray(10))).toThrow(expect.objectContaining({ code: 'DATA_DOWNLOAD' }));
    expect(() => unzip(whole.subarray(0, whole.length - 30))).toThrow('it has no end record');
  });

  it('refuses a file longer than it says', () => {
    const lying = zipOf({ a: 'x'.repeat(1000) }, true);
    // The size in the directory entry, 24 bytes in.
    lying.writeUInt32LE(10, lying.indexOf(Buffer.from('PK\u0001\u0002')) + 24);
    expect(() => unzip(lying)).toThrow(expect.objectContaining({ code: 'DATA_DOWNLOAD' }));
  });
});
