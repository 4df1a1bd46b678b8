import { TwoTowerError } from '../errors.js';

const NO_RIGHT = ['permission denied', 'Give this user the right to it, or name another place.'] as const;
const FULL = ['the disk is full', 'Make room there, or name another place.'] as const;

/** What the operating system's refusals mean to whoever named a path. */
const REFUSED: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  EACCES: NO_RIGHT,
  EPERM: NO_RIGHT,
  EROFS: ['it lies on a disk that can only be read', 'Name another place.'],
  ENOTDIR: ['a part of this path is a file, not a folder', 'Name another path.'],
  EEXIST: ['a file of this name is in the way', 'Name another path.'],
  EISDIR: ['it is a folder', 'Name a file.'],
  ENOTEMPTY: ['the folder is not empty', 'Name another folder.'],
  ENAMETOOLONG: ['the name is too long', 'Name a shorter one.'],
};

/** Where the path is right and the machine cannot. */
const FAILED: typeof REFUSED = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EIO: ['the disk reports an error', 'Look at the disk, or name another place.'],
  EMFILE: ['too many files are open', 'Allow more of them: ulimit -n 4096.'],
};

/** An error of the file system in the words of the user, whose path it is about; undefined for any other error. */
export function systemError(error: unknown): TwoTowerError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const place = dest ?? path;
  if (place === undefined) return undefined;
  const [refused, failed] = [REFUSED[code], FAILED[code]];
  const words = refused ?? failed;
  if (words === undefined) return undefined;
  return new TwoTowerError(refused ? 'FILE_REFUSED' : 'FILE_FAILED', `${place}: ${words[0]}`, words[1]);
}
