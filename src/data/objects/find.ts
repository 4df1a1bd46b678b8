import { TwoTowerError } from '../../errors.js';
import { bucketAddress, splitS3Url } from '../../s3/address.js';
import { type Bucket, openBucket } from '../../s3/bucket.js';
import type { Listed } from '../../s3/xml.js';
import type { TableSource } from '../config.js';
import { PARQUET, refuseOthers, wildcards } from '../files-of-table.js';

/** An object of a table, and who reads it. */
export interface TableObject {
  bucket: Bucket;
  object: Listed;
  /** URL of the bucket, and the key in it: what tells it from the objects of other services. */
  url: string;
  /** The address for people. */
  shown: string;
}

/**
 * The objects that an address names, as the files of the same names on a disk: one object; or, in the order of their names, the
 * Parquet objects of a folder, or those that fit a name with `*` and `?`.
 *
 * @param signal ends what is under way, here and when the objects are read
 * @throws DATA_SOURCE where there is none, or several that are not Parquet; USAGE without credentials; S3_REFUSED, S3_UNREACHABLE
 */
export async function findObjects(table: TableSource, place: string, signal: AbortSignal): Promise<TableObject[]> {
  const { bucket: name, folder, last } = partsOf(place);
  const open = async (prefix: string) => {
    const address = bucketAddress(name, prefix);
    const bucket = await openBucket(address, signal);
    const of = (object: Listed): TableObject => ({
      bucket,
      object,
      url: `${address.base}/${prefix}/${object.key}`,
      shown: `${bucket.shown}/${object.key}`,
    });
    return { bucket, of };
  };
  const { bucket, of } = await open(folder);
  const pattern = wildcards(last);
  if (pattern !== undefined) {
    const objects = named(await bucket.objects(/^[^*?]*/.exec(last)![0]));
    const fitting = objects.filter(({ key }) => pattern.test(key)).map(of);
    if (fitting.length === 0) throw missing(place, 'no object fits');
    return inOrder(table, fitting);
  }
  const head = last === '' ? undefined : await bucket.head(last);
  if (typeof head === 'object') return [of(head)];
  const inside = last === '' ? { bucket, of } : await open(folder === '' ? last : `${folder}/${last}`);
  const objects = named(await inside.bucket.objects());
  if (objects.length === 0 && head === 'refused') {
    throw new TwoTowerError('S3_REFUSED', `${place}: the key may not read it`, 'The key needs s3:GetObject.');
  }
  if (objects.length === 0) throw missing(place, last === '' ? 'nothing lies there' : 'there is no such object');
  const parquet = objects.filter(({ key }) => PARQUET.test(key)).map(inside.of);
  if (parquet.length === 0) throw missing(place, `none of the ${objects.length} objects there is a Parquet file`);
  return inOrder(table, parquet);
}

/** @throws DATA_SOURCE */
function partsOf(place: string): { bucket: string; folder: string; last: string } {
  const found = splitS3Url(place);
  const cut = found?.key.lastIndexOf('/') ?? -1;
  const folder = found?.key.slice(0, Math.max(0, cut)) ?? '';
  if (found !== undefined && !/[*?]/.test(folder)) return { ...found, folder, last: found.key.slice(cut + 1) };
  throw new TwoTowerError(
    'DATA_SOURCE',
    `${place} is no address of objects`,
    'Write s3://BUCKET/KEY, s3://BUCKET/FOLDER/ or s3://BUCKET/FOLDER/NAME with * and ? in the NAME alone.',
  );
}

/** Without what some tools leave to mark a folder: an object whose name is empty. */
function named(objects: Listed[]): Listed[] {
  return objects.filter(({ key }) => key !== '');
}

function inOrder(table: TableSource, objects: TableObject[]): TableObject[] {
  const sorted = objects.sort((a, b) => (a.object.key < b.object.key ? -1 : 1));
  refuseOthers(
    table,
    sorted.map(({ shown }) => shown),
  );
  return sorted;
}

function missing(place: string, what: string): TwoTowerError {
  return new TwoTowerError('DATA_SOURCE', `${place}: ${what}`, 'Check `path`, the bucket and AWS_ENDPOINT_URL_S3.');
}
