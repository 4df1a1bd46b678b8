import { type Catalogue, drawCatalogue } from './catalogue.js';
import { type FunnelOptions, START } from './options.js';
import { drawPeople, type People } from './people.js';
import type { TruthConstants } from './truth.js';

/** Everything there is before anybody asks for anything. */
export interface World {
  options: FunnelOptions;
  constants: TruthConstants;
  people: People;
  catalogue: Catalogue;
}

/** Draws users and items; the same for the same options. */
export function drawWorld(options: FunnelOptions): World {
  const { days, interaction, drift, positionBias } = options;
  const constants: TruthConstants = {
    start: START,
    days,
    base: -3.5,
    strength: 1.3,
    interaction,
    turn: (drift * Math.PI) / 2,
    freshness: { gain: 0.5, days: 3 },
    hourGain: 0.3,
    positionBias,
  };
  return { options, constants, people: drawPeople(options), catalogue: drawCatalogue(options) };
}
