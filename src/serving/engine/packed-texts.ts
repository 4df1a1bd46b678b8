/**
 * Texts one after the other in memory that all threads see: what one thread has read is used by another as it lies there, and is
 * nothing that a garbage collector would have to look at.
 */
export interface PackedTexts {
  /** Text i is the UTF-16 units from `starts[i]` to `starts[i + 1]`. */
  starts: Uint32Array;
  units: Uint16Array;
}

/** Units that become text in one call; each is an argument of it. */
const PIECE = 4096;

export function packTexts(texts: readonly string[]): PackedTexts {
  const starts = new Uint32Array(new SharedArrayBuffer(4 * (texts.length + 1)));
  let length = 0;
  texts.forEach((text, i) => {
    length += text.length;
    starts[i + 1] = length;
  });
  const units = new Uint16Array(new SharedArrayBuffer(2 * length));
  texts.forEach((text, i) => {
    const start = starts[i]!;
    for (let at = 0; at < text.length; at++) units[start + at] = text.charCodeAt(at);
  });
  return { starts, units };
}

export function textAt({ starts, units }: PackedTexts, i: number): string {
  const end = starts[i + 1]!;
  let text = '';
  for (let from = starts[i]!; from < end; from += PIECE) {
    text += String.fromCharCode.apply(null, units.subarray(from, Math.min(end, from + PIECE)) as unknown as number[]);
  }
  return text;
}

/** Whether text i is this one; it is not made for that. */
export function isTextAt({ starts, units }: PackedTexts, i: number, text: string): boolean {
  const start = starts[i]!;
  if (starts[i + 1]! - start !== text.length) return false;
  for (let at = 0; at < text.length; at++) if (units[start + at] !== text.charCodeAt(at)) return false;
  return true;
}

/** Texts that stand side by side are kept together once one of them was read. */
const PAGE_BITS = 8;

/** Reads packed texts, each made once: those of a column come again and again. */
export class TextReader {
  private readonly pages: (string | undefined)[][] = [];

  constructor(private readonly texts: PackedTexts) {}

  at(i: number): string {
    const at = i & ((1 << PAGE_BITS) - 1);
    const page = this.pages[i >>> PAGE_BITS];
    const known = page?.[at];
    if (known !== undefined) return known;
    const text = textAt(this.texts, i);
    if (page === undefined) this.pages[i >>> PAGE_BITS] = [];
    this.pages[i >>> PAGE_BITS]![at] = text;
    return text;
  }
}
