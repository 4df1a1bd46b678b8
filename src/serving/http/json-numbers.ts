/** Bytes that one number takes at most. */
const LONGEST = 24;
const ZERO = 48;
const DECIMALS = 6;
/** Beyond this the sixth decimal of a double says nothing, and its digits are not those of a whole number. */
const LARGEST = 1e9;

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

  /** `[` keys `]`: texts and whole numbers. */
  keys(keys: ArrayLike<string | number>): void {
    this.byte(91);
    for (let i = 0; i < keys.length; i++) {
      if (i > 0) this.byte(44);
      const key = keys[i]!;
      if (typeof key === 'number') this.whole(key);
      else this.text(JSON.stringify(key));
    }
    this.byte(93);
  }

  /** `[` scores `]`, rounded to six decimals; null for what is no number. */
  scores(scores: Float32Array): void {
    this.byte(91);
    for (let i = 0; i < scores.length; i++) {
      if (i > 0) this.byte(44);
      this.score(scores[i]!);
    }
    this.byte(93);
  }

  done(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private score(score: number): void {
    if (!Number.isFinite(score)) {
      this.text('null');
      return;
    }
    if (Math.abs(score) >= LARGEST) {
      this.text(String(score));
      return;
    }
    this.reserve(LONGEST);
    let micros = Math.round(Math.abs(score) * 1e6);
    if (score < 0 && micros > 0) this.bytes[this.length++] = 45;
    const whole = Math.floor(micros / 1e6);
    this.digits(whole);
    micros -= whole * 1e6;
    if (micros === 0) return;
    this.bytes[this.length++] = 46;
    for (let place = DECIMALS - 1; place >= 0; place--) {
      const rest = Math.floor(micros / 10);
      this.bytes[this.length + place] = ZERO + (micros - rest * 10);
      micros = rest;
    }
    this.length += DECIMALS;
  }

  private whole(value: number): void {
    this.reserve(LONGEST);
    if (value < 0) this.bytes[this.length++] = 45;
    this.digits(Math.abs(value));
  }

  private digits(value: number): void {
    let count = 1;
    for (let bound = 10; value >= bound; bound *= 10) count++;
    let rest = value;
    for (let place = count - 1; place >= 0; place--) {
      const next = Math.floor(rest / 10);
      this.bytes[this.length + place] = ZERO + (rest - next * 10);
      rest = next;
    }
    this.length += count;
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
