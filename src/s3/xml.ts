/** One page of ListObjectsV2: names between two delimiters, and how to ask for the next page. */
export interface Listing {
  prefixes: string[];
  next: string | undefined;
}

/** Reads the few things of it that are needed; the grammar is fixed by the S3 API. */
export function listing(xml: string): Listing {
  const prefixes = Array.from(
    xml.matchAll(/<CommonPrefixes>\s*<Prefix>([^<]*)<\/Prefix>\s*<\/CommonPrefixes>/g),
    ([, name]) => text(name!),
  );
  const token = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(xml)?.[1];
  return { prefixes, next: /<IsTruncated>\s*true/.test(xml) && token !== undefined ? text(token) : undefined };
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function text(escaped: string): string {
  return escaped.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
