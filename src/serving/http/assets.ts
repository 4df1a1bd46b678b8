import { readFileSync } from 'node:fs';
import { packagePath } from '../../package-root.js';

export interface Asset {
  type: string;
  bytes: Buffer;
}

/** Files of the dashboard by the path under which they are served; nothing else of the disk ever is. */
const FILES: Record<string, [file: string, type: string]> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/dashboard.css': ['dashboard.css', 'text/css; charset=utf-8'],
  '/dashboard.js': ['dashboard.js', 'text/javascript; charset=utf-8'],
  '/api.js': ['api.js', 'text/javascript; charset=utf-8'],
  '/dom.js': ['dom.js', 'text/javascript; charset=utf-8'],
  '/charts.js': ['charts.js', 'text/javascript; charset=utf-8'],
  '/overview.js': ['overview.js', 'text/javascript; charset=utf-8'],
  '/explorer.js': ['explorer.js', 'text/javascript; charset=utf-8'],
};

export function dashboardAssets(): Map<string, Asset> {
  return new Map(
    Object.entries(FILES).map(([path, [file, type]]) => [
      path,
      { type, bytes: readFileSync(packagePath('web', file)) },
    ]),
  );
}
