import { afterAll } from 'vitest';
import { removeFolders } from './folder.js';

// Set up anew for each test file, where modules may be loaded once for all of them.
afterAll(removeFolders);
