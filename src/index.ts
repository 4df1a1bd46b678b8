/**
 * The library. The commands of `twotower` are made of what stands here.
 *
 *     const { folder } = await trainRun({ data: 'kuairand-pure', model: { name: 'dssm' } }, { out: 'runs/first' });
 *     const run = await openRun(folder);
 *     const { logits } = await predict(run, { users: [{ user_id: 0 }], items: [{ video_id: 3 }] });
 */

export { bundledDatasets } from './data/bundled.js';
export { type DatasetConfig, parseDatasetConfig, readDatasetConfig } from './data/config.js';
export type { Dataset, EncoderState, EventTable, HistoryLog, KeyedTable, SplitName } from './data/dataset.js';
export { Featurizer, type FeaturizerOptions, type RawRecord, type RawRequests } from './data/featurizer.js';
export { type GenerateOptions, generateDataset } from './data/generate.js';
export { type Inspection, inspectDataset } from './data/inspect.js';
export { type LoadOptions, type LoadProgress, loadDataset } from './data/load.js';
export { ERROR_CODES, type ErrorCode, TwoTowerError } from './errors.js';
export { auc } from './evaluation/auc.js';
export { calibration } from './evaluation/calibration.js';
export { CorpusEvaluation, type CorpusOptions, type CorpusResult } from './evaluation/corpus.js';
export { type EvaluateOptions, evaluate } from './evaluation/evaluate.js';
export { gauc } from './evaluation/gauc.js';
export { logloss } from './evaluation/logloss.js';
export {
  type EvaluationJson,
  type EvaluationResult,
  type Metric,
  resultToJson,
  resultToTable,
} from './evaluation/report.js';
export { topK } from './evaluation/topk.js';
export * as graph from './graph/index.js';
export {
  defineModel,
  type History,
  type ItemInputs,
  type ModelDefinition,
  type ModelParts,
  type State,
  type TrainInputs,
  type TrainOutputs,
  type UserInputs,
} from './models/contract.js';
export { findModel, MODELS } from './models/index.js';
export * as nn from './nn/index.js';
export { completeConfig, parseConfig, type RunConfig, type RunInput } from './runs/config.js';
export { loadRunData } from './runs/data.js';
export { type EvaluateRunOptions, evaluateRun } from './runs/evaluate.js';
export type { RunEvent } from './runs/events.js';
export { exportRun, type ModelManifest } from './runs/export.js';
export { RUN_FILES, type RunRecord } from './runs/folder.js';
export { inspectConfig, inspectRun, type ModelInspection } from './runs/inspect.js';
export { JSON_SCHEMAS } from './runs/json-schema.js';
export { type OpenOptions, openRun, type Run } from './runs/open.js';
export { type Predictions, type PredictRequest, predict, type RawUser } from './runs/predict.js';
export { readConfig } from './runs/read-config.js';
export {
  type Described,
  type Recommendation,
  type Recommendations,
  type RecommendOptions,
  recommend,
} from './runs/recommend.js';
export { type RunResult, type TrainOptions, trainRun } from './runs/train.js';
export type { Feature, Feed, Feeds, HistoryFeature, Schema } from './schema.js';
export { type HostState, Inference } from './training/inference.js';
export { type StepReport, Trainer } from './training/trainer.js';
