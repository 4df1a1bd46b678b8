/**
 * Numbers distinct integers in the order of their first appearance: an open-addressing table over typed arrays that is
 * emptied in constant time, because it is emptied for every batch.
 */
export class Distinct {
  private slots = new Int32Array(64).fill(-1);
  /** The round in which a slot was last filled. */
  private stamps = new Uint32Array(64);
  private round = 1;
  private found = new Int32Array(32);
  private size = 0;

  /** How many distinct keys were seen since `clear`. */
  get count(): number {
    return this.size;
  }

  /** The distinct keys in order of appearance, valid until the next `add`. */
  keys(): Int32Array {
    return this.found.subarray(0, this.size);
  }

  clear(): void {
    this.size = 0;
    this.round += 1;
    if (this.round === 0xffffffff) {
      this.stamps.fill(0);
      this.round = 1;
    }
  }

  /** The number of a key: the next free one when the key is new. */
  add(key: number): number {
    if (this.size * 2 >= this.slots.length) this.grow();
    const slot = this.slotOf(key);
    if (this.stamps[slot] === this.round) return this.slots[slot]!;
    this.stamps[slot] = this.round;
    this.slots[slot] = this.size;
    this.found[this.size] = key;
    return this.size++;
  }

  /** The slot that holds the key, or the free one where it belongs. */
  private slotOf(key: number): number {
    const mask = this.slots.length - 1;
    let hash = Math.imul(key, 0x9e3779b1);
    hash ^= hash >>> 15;
    let slot = hash & mask;
    while (this.stamps[slot] === this.round && this.found[this.slots[slot]!] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const length = this.slots.length * 2;
    this.slots = new Int32Array(length);
    this.stamps = new Uint32Array(length);
    this.round = 1;
    const found = new Int32Array(length / 2);
    found.set(this.found.subarray(0, this.size));
    this.found = found;
    for (let number = 0; number < this.size; number++) {
      const slot = this.slotOf(this.found[number]!);
      this.stamps[slot] = 1;
      this.slots[slot] = number;
    }
  }
}
