const NAMES = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/** Whether an address to listen on is reached from this machine only. */
export function isLoopback(host: string): boolean {
  return NAMES.has(host) || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether the host a request names, its port taken off, is this machine. */
export function isLoopbackName(host: string): boolean {
  return isLoopback(host.toLowerCase());
}
