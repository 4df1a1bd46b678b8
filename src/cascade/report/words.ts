import type { PhaseName } from '../open.js';

/** A table for people: cells are text already; the first row is the header. */
export interface ReportTable {
  title: string;
  /** What must be known to read it; may be empty. */
  note: string;
  rows: string[][];
}

export const PHASE_TITLES: Record<PhaseName, string> = { retrieve: 'retrieve', prerank: 'pre-rank', rank: 'rank' };

/** `38.2 %` */
export function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(share * 100).toFixed(1)} %`;
}

/** `1.2 M` */
export function large(value: number): string {
  if (value < 1e3) return value.toFixed(0);
  const [unit, name] = value < 1e6 ? [1e3, 'k'] : value < 1e9 ? [1e6, 'M'] : [1e9, 'G'];
  return `${(value / Number(unit)).toPrecision(3)} ${name}`;
}

/** `0.1234` */
export const four = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(4));
/** `1.25 ms` */
export const ms = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(2)} ms`);
/** `1,234` */
export const count = (value: number) => value.toLocaleString('en-US');
