/** Bytes that one number takes at most, with a comma and what is written beyond it. */
const LONGEST = 28;
const COMMA = 44;
const MINUS = 45;
/** Beyond this the sixth decimal of a double says nothing, and its digits are not those of a whole number. */
const LARGEST = 1e9;

/** Four characters as they lie in memory, one number for all numbers below 1,000. */
function table(text: (value: number) => string): Uint32Array {
  return Uint32Array.from({ length: 1000 }, (_, value) => Buffer.from(text(value).padEnd(4)).readUInt32LE());
}

/** All three digits and a comma; a point and all three digits; no more digits than there are, and a comma. */
const THREE = table((value) => `${String(value).padStart(3, '0')},`);
const DECIMALS = table((value) => `.${String(value).padStart(3, '0')}`);
const WHOLE = table((value) => `${value},`);
const DIGITS = Uint8Array.from({ length: 1000 }, (_, value) => String(value).length);

/**
 * Writes long lists of keys and scores as JSON, several times as fast as JSON.stringify, which looks for the shortest digits that
 * make each double.
 */
export class JsonNumbers {
  private bytes: Buffer;
  private view: DataView;
  private length = 0;

  /** @param capacity bytes there is room for at first; the room is kept for the next text */
  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(Math.max(256, capacity));
    this.view = viewOf(this.bytes);
  }

  text(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length, 'utf8');
  }

  /** `[` keys in an order `]`: texts and whole numbers; large ones (bigint) become texts. @param order places among the keys */
  keys(keys: ArrayLike<string | number | bigint>, order: Uint32Array): void {
    this.open(order.length);
    for (let i = 0; i < order.length; i++) {
      const key = keys[order[i]!]!;
      if (typeof key === 'number') {
        this.length = wholeAt(this.bytes, this.view, this.length, key);
      } else {
        this.text(JSON.stringify(typeof key === 'bigint' ? String(key) : key));
        this.reserve((order.length - i) * LONGEST);
        this.bytes[this.length++] = COMMA;
      }
    }
    this.close(order.length);
  }

  /** `[` scores `]`, rounded to six decimals; null for what is no number. */
  scores(scores: Float32Array): void {
    this.open(scores.length);
    const { bytes, view } = this;
    let at = this.length;
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (Math.abs(score) < LARGEST) at = scoreAt(bytes, view, at, score);
      else at = otherAt(bytes, at, Number.isFinite(score) ? String(score) : 'null');
    }
    this.length = at;
    this.close(scores.length);
  }

  /** What was written since the last time, in memory of its own. */
  done(): Buffer {
    const written = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return written;
  }

  private open(numbers: number): void {
    this.reserve(2 + numbers * LONGEST);
    this.bytes[this.length++] = 91;
  }

  /** In the place of the last comma, where there is one. */
  private close(numbers: number): void {
    if (numbers > 0) this.length--;
    this.reserve(1);
    this.bytes[this.length++] = 93;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
    this.view = viewOf(larger);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Each of these writes a number and a comma at a place and returns the place behind. */
function scoreAt(bytes: Buffer, view: DataView, at: number, score: number): number {
  const micros = Math.round(Math.abs(score) * 1e6);
  let to = at;
  if (score < 0 && micros > 0) bytes[to++] = MINUS;
  // Whole numbers of 31 bits are the fastest to divide.
  const whole = (micros / 1e6) | 0;
  const rest = (micros - whole * 1e6) | 0;
  to = digitsAt(view, to, whole);
  if (rest === 0) return to;
  const thousands = (rest / 1000) | 0;
  view.setUint32(to - 1, DECIMALS[thousands]!, true);
  view.setUint32(to + 3, THREE[rest - 1000 * thousands]!, true);
  return to + 7;
}

function wholeAt(bytes: Buffer, view: DataView, at: number, value: number): number {
  if (value >= 0 && value <= 0x7fffffff) return digitsAt(view, at, value | 0);
  return otherAt(bytes, at, String(value));
}

function otherAt(bytes: Buffer, at: number, text: string): number {
  const to = at + bytes.write(text, at, 'latin1');
  bytes[to] = COMMA;
  return to + 1;
}

/** @param value of 31 bits */
function digitsAt(view: DataView, at: number, value: number): number {
  if (value < 1000) {
    view.setUint32(at, WHOLE[value]!, true);
    return at + DIGITS[value]! + 1;
  }
  const thousands = (value / 1000) | 0;
  const to = digitsAt(view, at, thousands);
  view.setUint32(to - 1, THREE[value - 1000 * thousands]!, true);
  return to + 3;
}
