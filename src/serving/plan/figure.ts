/** A number of the plan with how it came about. */
export interface Figure {
  value: number;
  unit: 'ms' | 's' | 'B' | 'B/s' | '1/s' | 'items' | 'share';
  formula: string;
}

export function figure(value: number, unit: Figure['unit'], formula: string): Figure {
  return { value, unit, formula };
}

/** Three digits that matter, with a prefix: `64.1 M`, `0.0123`, `1 k`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '∞';
  const size = Math.abs(value);
  const prefix = PREFIXES.find(([scale]) => size >= scale);
  return prefix === undefined ? digits(value) : `${digits(value / prefix[0])} ${prefix[1]}`;
}

const PREFIXES = [
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The same with a unit: `64.1 MFLOP`, `375 B`. */
export function measure(value: number, unit: string): string {
  const text = short(value);
  return /[\d∞]$/.test(text) ? `${text} ${unit}` : `${text}${unit}`;
}

export function ms(value: number): string {
  return `${short(value)} ms`;
}

/** A figure for people: `12.5 ms`, `3.4 GB`, `2 h 5 min`. */
export function shown({ value, unit }: Figure): string {
  if (!Number.isFinite(value)) return 'without end';
  if (unit === 'ms') return `${digits(value)} ms`;
  if (unit === 's') return seconds(value);
  if (unit === 'share') return `${digits(100 * value)} %`;
  if (unit === 'B' || unit === 'B/s') return measure(value, unit);
  return unit === '1/s' ? `${short(value)}/s` : `${short(value)} ${unit}`;
}

function seconds(value: number): string {
  if (value < 120) return `${digits(value)} s`;
  if (value < 7200) return `${digits(value / 60)} min`;
  return value < 172_800 ? `${digits(value / 3600)} h` : `${digits(value / 86_400)} days`;
}
