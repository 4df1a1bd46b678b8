import { TwoTowerError } from '../../errors.js';
import type { RedisAddress } from './redis-url.js';

/** What the server itself answered: the call was not carried out. Anything else leaves open whether it was. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && /^(Simple|Blob)Error$/.test(error.constructor.name);
}

/** The connection was closed before the call was sent. */
export function wasNotSent(error: unknown): boolean {
  return error instanceof Error && /^Client(Closed|Offline)Error$/.test(error.constructor.name);
}

/** The library's words for the common mistakes, as one message that says what to do. */
export function inWords(address: RedisAddress, error: unknown): TwoTowerError {
  if (error instanceof TwoTowerError) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  const is = (pattern: RegExp) => pattern.test(`${code} ${message}`);
  if (is(/NOAUTH/))
    return refused(address, 'it wants a password', 'Give it: redis://:PASSWORD@HOST or redis://USER:PASSWORD@HOST.');
  if (is(/WRONGPASS|invalid password|without any password/))
    return refused(address, 'it refuses the user or the password', 'Check both.');
  if (is(/NOPERM/))
    return refused(address, `the user may not do this: ${message}`, 'Allow it all commands on the keys of this state.');
  if (is(/WRONGTYPE/))
    return refused(address, 'the keys of this name hold something else', 'Give it another name: ?name=NAME.');
  if (is(/SELECT is not allowed/)) return onlyDatabase(address);
  if (is(/DB index/)) return refused(address, `it has no database ${address.database}`, 'Most servers have 0 to 15.');
  if (is(/ECONNREFUSED/)) return refused(address, 'nothing listens there', 'Start the server, or check host and port.');
  if (is(/ENOTFOUND|EAI_AGAIN/)) return refused(address, 'the host is not known', 'Check its name.');
  if (is(/CERT|self.signed|unable to (get|verify)/i)) {
    const hint = 'Put the certificate of its authority into a file and name that in NODE_EXTRA_CA_CERTS.';
    return refused(address, `its certificate is not trusted: ${message}`, hint);
  }
  if (is(/TLS|SSL|EPROTO|timeout|no answer|closed unexpectedly|ECONNRESET/i) || error instanceof TypeError) {
    const hint = address.tls
      ? 'Check host and port; a server without TLS has an address that begins with redis://.'
      : 'Check host and port; a server with TLS has an address that begins with rediss://.';
    return refused(address, `no Redis or Valkey answers there: ${message}`, hint);
  }
  return refused(address, message, 'Check the address and the server.');
}

export function onlyDatabase({ shown }: RedisAddress): TwoTowerError {
  return new TwoTowerError('USAGE', `${shown}: a cluster has database 0 only`, 'Tell stores apart with ?name=.');
}

export function refused({ shown }: RedisAddress, what: string, hint: string): TwoTowerError {
  return new TwoTowerError('SERVING_STATE', `${shown}: ${what}`, hint);
}
