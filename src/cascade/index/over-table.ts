import type { VectorTable } from './vectors.js';

/** What an index says of the vectors it was built over. */
export abstract class OverTable {
  constructor(protected readonly table: VectorTable) {}

  get metric() {
    return this.table.metric;
  }

  get width() {
    return this.table.width;
  }

  get count() {
    return this.table.count;
  }

  get rows() {
    return this.table.rows;
  }
}
