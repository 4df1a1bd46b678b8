import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Text that changes with every file of a folder, without reading them. */
export async function stateOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const states = await Promise.all(
    files.sort().map(async (file) => {
      const found = await stat(file).catch(() => undefined);
      return `${file} ${found?.size} ${found?.mtimeMs}`;
    }),
  );
  return states.join('\n');
}
