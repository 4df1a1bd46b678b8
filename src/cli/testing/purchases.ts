import { writeFile } from 'node:fs/promises';
import { Random } from '../../random.js';

const CUSTOMERS = 300;
const PRODUCTS = 96;
const GROUPS = 8;
const PURCHASES = 14;
const SPAN = 90 * 86_400;
const START = Date.UTC(2026, 0, 5) / 1e3;

/** Which sort of product a key names: customers buy mostly of two sorts. */
export const sortOf = (product: string): number => Number(product.slice(1)) % GROUPS;

/** An invented log of purchases as a shop would export it: customer, product, time, price; nothing else is known of either. */
export async function writePurchases(file: string): Promise<void> {
  const random = Random.of(1, 'purchases');
  const rows: { time: number; line: string }[] = [];
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    const tastes = [random.below(GROUPS), random.below(GROUPS)];
    for (let i = 0; i < PURCHASES; i++) {
      const sort = random.uniform() < 0.9 ? tastes[random.below(2)]! : random.below(GROUPS);
      const product = sort + GROUPS * random.below(PRODUCTS / GROUPS);
      const time = START + Math.floor(SPAN * random.uniform());
      const price = (4 + 3 * (product % 7) + 0.99).toFixed(2);
      rows.push({ time, line: `c${customer},p${product},${new Date(time * 1e3).toISOString()},${price}` });
    }
  }
  rows.sort((a, b) => a.time - b.time);
  await writeFile(file, `customer,product,time,price\n${rows.map(({ line }) => line).join('\n')}\n`);
}
