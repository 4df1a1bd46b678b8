import { spawnServer } from '../spawn.js';

/** Starts the server that is named, says so, and goes on until it is ended. */
const server = await spawnServer(process.argv[3]!, 'store');
console.log(server.url);
setInterval(() => {}, 1000);
