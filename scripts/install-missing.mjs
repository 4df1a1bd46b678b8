// Makes node_modules agree with package-lock.json: runs `npm ci` when it is absent or holds other versions, else does nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const reason = whyStale();
if (reason !== undefined) {
  console.error(`installing dependencies: ${reason}`);
  const { status } = spawnSync('npm', ['ci'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  process.exit(status ?? 1);
}

function whyStale() {
  // npm keeps what it really installed in this hidden lock file.
  if (!existsSync(`${root}node_modules/.package-lock.json`)) return 'node_modules is absent or incomplete';
  const wanted = packages('package-lock.json');
  const installed = packages('node_modules/.package-lock.json');
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined) {
      if (entry.optional && !runsHere(entry)) continue;
      return `${path} is missing`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) {
      return `${path} is ${found.version}, package-lock.json says ${entry.version}`;
    }
    if (!existsSync(`${root}${path}`)) return `${path} was deleted`;
  }
  return undefined;
}

function packages(file) {
  return JSON.parse(readFileSync(`${root}${file}`, 'utf8')).packages;
}

/**
 * Whether an optional package is a native binary for this platform. Others are only wanted by such binaries, and which
 * C library there is stays npm's own judgement.
 */
function runsHere(entry) {
  return entry.libc === undefined && entry.os?.includes(process.platform) && entry.cpu?.includes(process.arch);
}
