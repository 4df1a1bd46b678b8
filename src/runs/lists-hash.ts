import { hashOfSamples, type SampleTable } from '../data/samples.js';
import type { RunConfig } from './config.js';

/** SHA-256 over the lists of a run. Scores of a teacher's run are left out: that run has a digest of its own, and their last digits follow the threads. */
export function hashOfLists({ teacher, ...samples }: SampleTable, { training }: RunConfig): string {
  const ofRun = training.teacher !== undefined && 'run' in training.teacher;
  return hashOfSamples(ofRun || teacher === undefined ? samples : { ...samples, teacher });
}
