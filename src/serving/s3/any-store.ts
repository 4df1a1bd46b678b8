import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isS3Url, s3Address } from '../../s3/address.js';
import { openBucket } from '../../s3/bucket.js';
import { type Published, type PublishOptions, publish } from '../publish.js';
import { describeStore, type Pointer, rollBack, type StoredVersion, useVersion, VERSIONS } from '../store.js';
import { describeRemote, rollBackRemote, sendVersion, useRemote } from './remote-store.js';

const bucketOf = (store: string) => openBucket(s3Address(store));

/** As `publish`, to a folder or to `s3://BUCKET/PREFIX`: there the version is written and compared in a temporary folder first. */
export async function publishAnywhere(options: PublishOptions): Promise<Published> {
  if (!isS3Url(options.store)) return publish(options);
  const bucket = await bucketOf(options.store);
  // What cannot be reached is told before anything is computed.
  await bucket.folders(VERSIONS);
  const store = await mkdtemp(join(tmpdir(), 'twotower-publish-'));
  try {
    const { share, ...rest } = options;
    const done = await publish({ ...rest, store });
    await sendVersion(bucket, done.folder, done.id);
    const pointer = await useRemote(bucket, done.id, share);
    return { ...done, folder: `${bucket.shown}/${VERSIONS}/${done.id}`, pointer };
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}

export async function useVersionAnywhere(store: string, id: string, share?: number): Promise<Pointer> {
  return isS3Url(store) ? useRemote(await bucketOf(store), id, share) : useVersion(store, id, share);
}

export async function rollBackAnywhere(store: string): Promise<Pointer> {
  return isS3Url(store) ? rollBackRemote(await bucketOf(store)) : rollBack(store);
}

export async function describeAnyStore(store: string): Promise<StoredVersion[]> {
  return isS3Url(store) ? describeRemote(await bucketOf(store)) : describeStore(store);
}
