/** One thing an audit looked at. */
export interface Finding {
  check: 'duplicates' | 'overlap' | 'order of the parts' | 'moments' | 'single features' | 'permuted labels';
  /** `warning` where something is, or may be, a leak. */
  level: 'ok' | 'warning';
  /** What was found, with its figures. */
  says: string;
  /** What to do about a warning. */
  remedy?: string;
}

/** `1.3 %`; never 0 % for something that is there. */
export function share(part: number, whole: number): string {
  const value = whole === 0 ? 0 : (100 * part) / whole;
  return `${value > 0 && value < 0.1 ? '<0.1' : value.toFixed(1)} %`;
}
