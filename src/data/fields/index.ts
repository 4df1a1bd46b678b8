import { didYouMean, TwoTowerError } from '../../errors.js';
import { hourOfDay, weekday } from './calendar.js';
import { categorical } from './categorical.js';
import { id } from './id.js';
import type { FieldKind } from './kind.js';
import { multiCategorical } from './multi-categorical.js';
import { numeric } from './numeric.js';

/** Every field kind by its name in a dataset description. A new kind is one file and one line here. */
export const fieldKinds = registry({
  id,
  categorical,
  'multi-categorical': multiCategorical,
  numeric,
  'hour-of-day': hourOfDay,
  weekday,
});

function registry<Name extends string>(kinds: Record<Name, FieldKind>): Record<Name, FieldKind> {
  return kinds;
}

/** The kind of that name. @throws CONFIG_INVALID */
export function fieldKind(name: string): FieldKind {
  if (Object.hasOwn(fieldKinds, name)) return fieldKinds[name as keyof typeof fieldKinds];
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `there is no field kind "${name}", ${didYouMean(name, Object.keys(fieldKinds))}`,
  );
}
