// Opens a database and waits to be stopped.
import { Database } from '../database.js';

const db = await Database.open('64MB');
await db.run('CREATE TABLE numbers AS SELECT range AS n FROM range(1000)');
console.log('ready');
setInterval(() => {}, 1000);
