// Compiles src into dist and writes what it publishes for editors into schemas. With --if-stale it does nothing when dist is newer than everything it is made from.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = `${root}dist/cli/main.js`;

if (!(process.argv.includes('--if-stale') && isFresh())) {
  rmSync(`${root}dist`, { recursive: true, force: true });
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    // A half-built dist would look fresh to the next --if-stale.
    rmSync(`${root}dist`, { recursive: true, force: true });
    process.exit(status ?? 1);
  }
  chmodSync(main, 0o755);
  await writeSchemas();
}

async function writeSchemas() {
  const { JSON_SCHEMAS } = await import(new URL('../dist/leaderboard/json-schema.js', import.meta.url).href);
  mkdirSync(`${root}schemas`, { recursive: true });
  for (const [name, make] of Object.entries(JSON_SCHEMAS)) {
    const file = `${root}schemas/${name}.schema.json`;
    const text = `${JSON.stringify(make(), null, 2)}\n`;
    // A file that has not changed keeps its time.
    if (changed(file) === 0 || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  }
}

function isFresh() {
  const built = changed(main);
  if (built === 0) return false;
  const sources = readdirSync(`${root}src`, { recursive: true, withFileTypes: true })
    // Folders too: removing a file leaves no newer file, only a newer folder.
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .concat(`${root}src`, `${root}tsconfig.json`, `${root}tsconfig.build.json`, `${root}package-lock.json`);
  return sources.every((path) => changed(path) <= built);
}

function changed(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
