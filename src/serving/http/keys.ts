import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { readYaml } from '../../yaml.js';

export const ROLES = ['read', 'write'] as const;
/** Who may write may read. */
export type Role = (typeof ROLES)[number];

const keyFile = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(100).describe('who uses it; appears in logs'),
        role: z.enum(ROLES).describe('read: ask; write: also change items and users and add events'),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .describe('hash of the key, in hexadecimal'),
      }),
    )
    .min(1),
});

export type KeyFile = z.output<typeof keyFile>;
export type KeyEntry = KeyFile['keys'][number];

/** @throws CONFIG_UNREADABLE, CONFIG_INVALID with line and key */
export function readKeyFile(file: string): KeyEntry[] {
  return readYaml(file, keyFile).keys;
}

/** A new key and its entry; the key itself is kept nowhere. 256 random bits need no slow hash: there is nothing to guess. */
export function createKey(name: string, role: Role): { key: string; entry: KeyEntry } {
  const key = `tt_${randomBytes(32).toString('base64url')}`;
  return { key, entry: { name, role, sha256: digest(key).toString('hex') } };
}

/** Finds whose key was presented, in a time that does not depend on which it is or how much of it is right. */
export class KeyRing {
  private readonly known: { name: string; role: Role; hash: Buffer }[];

  constructor(
    entries: readonly KeyEntry[],
    /** Whether reading needs no key. */
    readonly openReads: boolean,
  ) {
    this.known = entries.map(({ name, role, sha256 }) => ({ name, role, hash: Buffer.from(sha256, 'hex') }));
  }

  find(presented: string): { name: string; role: Role } | undefined {
    const hash = digest(presented);
    let found: { name: string; role: Role } | undefined;
    for (const one of this.known) if (timingSafeEqual(one.hash, hash)) found = one;
    return found;
  }
}

/** The key of `Authorization: Bearer KEY` or `X-API-Key: KEY`. */
export function presentedKey(headers: Record<string, string | string[] | undefined>): string | undefined {
  const { authorization, 'x-api-key': plain } = headers;
  if (typeof authorization === 'string') return /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  return typeof plain === 'string' && plain !== '' ? plain : undefined;
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
