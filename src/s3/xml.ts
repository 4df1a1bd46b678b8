/** One page of ListObjectsV2: what lies between two delimiters, and how to ask for the next page. */
export interface Listing {
  prefixes: string[];
  objects: Listed[];
  next: string | undefined;
}

/** An object of a listing. */
export interface Listed {
  key: string;
  bytes: number;
  /** As the service writes it, in quotes as a rule. */
  etag: string;
}

/** Reads the few things of it that are needed; the grammar is fixed by the S3 API. */
export function listing(xml: string): Listing {
  const prefixes = Array.from(
    xml.matchAll(/<CommonPrefixes>\s*<Prefix>([^<]*)<\/Prefix>\s*<\/CommonPrefixes>/g),
    ([, name]) => text(name!),
  );
  const objects = Array.from(xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g), ([, object]) => ({
    key: partOf(object!, 'Key'),
    bytes: Number(partOf(object!, 'Size')),
    etag: partOf(object!, 'ETag'),
  }));
  const token = partOf(xml, 'NextContinuationToken');
  return { prefixes, objects, next: /<IsTruncated>\s*true/.test(xml) && token !== '' ? token : undefined };
}

function partOf(xml: string, name: string): string {
  return text(new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '');
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function text(escaped: string): string {
  return escaped.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
