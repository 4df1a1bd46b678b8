import { join } from 'node:path';
import { type Files, folderOf } from '../../testing/folder.js';
import { type DatasetConfig, parseDatasetConfig } from '../config.js';

/** Ten purchases of three users, small enough to check by hand. Times are out of order once; training ends before 80. */
export const SHOP_FILES = {
  'events.csv': `user,product,at,bought,price,place
1,a,10,1,5,home
2,b,20,0,7,work
1,b,30,1,8,home
3,a,25,1,1,home
2,a,50,1,9,bus
1,c,60,0,3,work
1,a,70,1,3,home
2,b,80,0,2,boat
3,e,90,1,2,home
4,d,100,0,4,home
`,
  'users.csv': `id,city,age
1,Rome,30
2,Oslo,
3,"New York, NY",50
5,Oslo,70
`,
  'products.jsonl': `{"id": "a", "tags": ["x", "y"], "title": "Apple", "weight": 1.5}
{"id": "b", "tags": ["y"], "title": "Bread", "weight": 2}
{"id": "c", "tags": [], "title": "Cake", "weight": 4}
{"id": "d", "tags": ["z", "y"], "title": "Drink"}
`,
};

export const SHOP = `name: shop
tables:
  events: {path: events.csv}
  users: {path: users.csv, key: id}
  items: {path: products.jsonl, key: id, display: [title]}
user: user
item: product
time: {column: at}
feedback: [bought]
label: bought
fields:
  user: {user: {kind: id, column: id}, city: categorical, age: {kind: numeric, buckets: 2}}
  item:
    product: {kind: id, column: id}
    tags: multi-categorical
    weight: {kind: numeric, standardise: true}
  context: {place: {kind: categorical, minCount: 2}}
histories:
  bought: {positive: bought, maxLength: 3, features: [product, tags]}
split: {trainUntil: 80, validationUntil: 90}
`;

/** The shop with some files replaced and its description edited. */
export function shop(changes: Files = {}, edit: (text: string) => string = (text) => text): DatasetConfig {
  const folder = folderOf({ ...SHOP_FILES, ...changes });
  return parseDatasetConfig(edit(SHOP), join(folder, 'shop.yaml'));
}
