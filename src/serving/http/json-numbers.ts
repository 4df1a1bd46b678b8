/** Bytes that one number takes at most. */
const LONGEST = 24;
const ZERO = 48;
/** Beyond this the sixth decimal of a double says nothing, and its digits are not those of a whole number. */
const LARGEST = 1e9;

/** Three digits at once: the characters of n at 3 n, for n below 1,000. */
const DIGITS = Uint8Array.from(
  { length: 3000 },
  (_, i) => ZERO + (Math.floor(Math.floor(i / 3) / 10 ** (2 - (i % 3))) % 10),
);

/**
 * Writes long lists of keys and scores as JSON, several times as fast as JSON.stringify, which looks for the shortest digits that
 * make each double.
 */
export class JsonNumbers {
  private bytes: Buffer;
  private length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(Math.max(256, capacity));
  }

  text(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length, 'utf8');
  }

  /** `[` keys in an order `]`: texts and whole numbers; large ones (bigint) become texts. @param order places among the keys */
  keys(keys: ArrayLike<string | number | bigint>, order: Uint32Array): void {
    this.byte(91);
    for (let i = 0; i < order.length; i++) {
      if (i > 0) this.byte(44);
      const key = keys[order[i]!]!;
      if (typeof key === 'number') {
        this.reserve(LONGEST);
        this.length = wholeAt(this.bytes, this.length, key);
      } else this.text(JSON.stringify(typeof key === 'bigint' ? String(key) : key));
    }
    this.byte(93);
  }

  /** `[` scores `]`, rounded to six decimals; null for what is no number. */
  scores(scores: Float32Array): void {
    this.byte(91);
    this.reserve((LONGEST + 1) * scores.length);
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < scores.length; i++) {
      if (i > 0) bytes[at++] = 44;
      const score = scores[i]!;
      if (Math.abs(score) < LARGEST) at = scoreAt(bytes, at, score);
      else at += bytes.write(Number.isFinite(score) ? String(score) : 'null', at, 'latin1');
    }
    this.length = at;
    this.byte(93);
  }

  done(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private byte(code: number): void {
    this.reserve(1);
    this.bytes[this.length++] = code;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/** Each of these writes at a place and returns the place behind. Whole numbers of 31 bits are the fastest to divide. */
function scoreAt(bytes: Buffer, at: number, score: number): number {
  const micros = Math.round(Math.abs(score) * 1e6);
  if (score < 0 && micros > 0) bytes[at++] = 45;
  const whole = (micros / 1e6) | 0;
  const rest = (micros - whole * 1e6) | 0;
  const behind = digitsAt(bytes, at, whole);
  if (rest === 0) return behind;
  bytes[behind] = 46;
  const thousands = (rest / 1000) | 0;
  threeAt(bytes, behind + 1, thousands);
  threeAt(bytes, behind + 4, rest - 1000 * thousands);
  return behind + 7;
}

function wholeAt(bytes: Buffer, at: number, value: number): number {
  if (value >= 0 && value <= 0x7fffffff) return digitsAt(bytes, at, value | 0);
  return at + bytes.write(String(value), at, 'latin1');
}

/** @param value of 31 bits */
function digitsAt(bytes: Buffer, at: number, value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  let rest = value;
  let left = count;
  for (; left >= 3; left -= 3) {
    const next = (rest / 1000) | 0;
    threeAt(bytes, at + left - 3, rest - 1000 * next);
    rest = next;
  }
  for (; left > 0; left--) {
    const next = (rest / 10) | 0;
    bytes[at + left - 1] = ZERO + (rest - 10 * next);
    rest = next;
  }
  return at + count;
}

function threeAt(bytes: Buffer, at: number, value: number): void {
  const digits = 3 * value;
  bytes[at] = DIGITS[digits]!;
  bytes[at + 1] = DIGITS[digits + 1]!;
  bytes[at + 2] = DIGITS[digits + 2]!;
}
