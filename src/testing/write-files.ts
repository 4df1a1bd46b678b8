// Rewrites a file and a folder over and over, each time with one repeated digit, until it is killed.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic, writeFolderAtomic } from '../files.js';

const folder = process.argv[3]!;
for (let round = 0; ; round++) {
  const content = String(round % 10).repeat(300_000);
  await writeFileAtomic(join(folder, 'file'), content);
  await writeFolderAtomic(join(folder, 'folder'), async (temporary) => {
    await writeFile(join(temporary, 'a'), content);
    await writeFile(join(temporary, 'b'), content);
  });
  if (round === 0) console.log('ready');
}
