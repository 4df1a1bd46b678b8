import type { ParameterStore } from '../parameter-store.js';
import type { Trainer } from '../trainer.js';

/** Every array of a store by name, in a form that compares byte for byte. */
export const bytesOf = (store: ParameterStore): Map<string, string> =>
  new Map([...store.arrays()].map(([name, { data }]) => [name, Buffer.from(data.slice().buffer).toString('base64')]));

/** What so many steps report, as text. */
export async function reportsOf(trainer: Trainer, steps: number): Promise<string> {
  const reports = [];
  for (let i = 0; i < steps; i++) reports.push(await trainer.next());
  return JSON.stringify(reports);
}
