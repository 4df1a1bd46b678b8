/** The window of a user. */
export function windowOf(user: number, windows: number): number {
  let hash = Math.imul(user ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % windows;
}

/** Name of a window's file. */
export function windowFile(window: number): string {
  return `window-${String(window).padStart(5, '0')}`;
}
