/**
 * The library. The commands of `twotower` are made of what stands here.
 *
 *     const { folder } = await trainRun({ data: 'kuairand-pure', model: { name: 'dssm' } }, { out: 'runs/first' });
 *     const run = await openRun(folder);
 *     const { logits } = await predict(run, { users: [{ user_id: 0 }], items: [{ video_id: 3 }] });
 */

export { type CascadeConfig, parseCascade, readCascade } from './cascade/config.js';
export { evaluateCascade, type FunnelReport } from './cascade/evaluate.js';
export { type FunnelMetrics, funnelMetrics } from './cascade/funnel-metrics.js';
export { type ListGuarantee, listGuarantee } from './cascade/guarantees.js';
export { type BuildContext, buildIndex, type IndexOptions } from './cascade/index/build.js';
export { loadIndex } from './cascade/index/load.js';
export type { IndexManifest, MeasuredRecall } from './cascade/index/manifest.js';
export type { QueryFilter, RetrievalIndex, RowFilter, Vectors } from './cascade/index/retrieval-index.js';
export { type MineReport, mineCandidates } from './cascade/mine.js';
export { type Cascade, openCascade } from './cascade/open.js';
export { writeReport } from './cascade/report/write.js';
export { type TrueFunnel, trueFunnel } from './cascade/true-funnel.js';
export { bundledDatasets } from './data/bundled.js';
export { type Candidates, readCandidates } from './data/candidates.js';
export { type DatasetConfig, parseDatasetConfig, readDatasetConfig } from './data/config.js';
export type { Dataset, EncoderState, EventTable, HistoryLog, KeyedTable, SplitName } from './data/dataset.js';
export { Featurizer, type FeaturizerOptions, type RawRecord, type RawRequests } from './data/featurizer.js';
export { type FullStageOptions, fullStageSamples } from './data/full-stage.js';
export { type FunnelInput, type FunnelOptions, funnelOptions } from './data/funnel/options.js';
export { openTruth, type Truth } from './data/funnel/truth-files.js';
export { type FunnelSummary, writeFunnel } from './data/funnel/write.js';
export { type GenerateOptions, generateDataset } from './data/generate.js';
export { type Inspection, inspectDataset } from './data/inspect.js';
export { type LoadOptions, type LoadProgress, loadDataset } from './data/load.js';
export { type RequestLists, requestLists } from './data/request-lists.js';
export { listCount, type SampleTable, withTeacher } from './data/samples.js';
export { ERROR_CODES, type ErrorCode, TwoTowerError } from './errors.js';
export { auc } from './evaluation/auc.js';
export { calibration } from './evaluation/calibration.js';
export { CorpusEvaluation, type CorpusOptions, type CorpusResult } from './evaluation/corpus.js';
export { type EvaluateOptions, evaluate } from './evaluation/evaluate.js';
export { gauc } from './evaluation/gauc.js';
export { holm } from './evaluation/holm.js';
export { logloss } from './evaluation/logloss.js';
export {
  type EvaluationJson,
  type EvaluationResult,
  type Metric,
  resultToJson,
  resultToTable,
} from './evaluation/report.js';
export { type Comparison, compareRuns, type Replicates, replicate } from './evaluation/significance.js';
export { topK } from './evaluation/topk.js';
export { compactUsers, type Outcomes, type UserStatistic, userStatistic } from './evaluation/user-statistics.js';
export * as graph from './graph/index.js';
export { type Audit, type AuditOptions, auditDataset } from './leaderboard/audit/audit.js';
export { type CompareEvent, type CompareOptions, compare } from './leaderboard/compare.js';
export { type LeaderboardPlan, readLeaderboard } from './leaderboard/config.js';
export { JSON_SCHEMAS } from './leaderboard/json-schema.js';
export { PROTOCOLS, type Protocol } from './leaderboard/protocols.js';
export { writeLeaderboard } from './leaderboard/report/write.js';
export type { Leaderboard } from './leaderboard/results.js';
export { type TuneOptions, type TuneResult, tune } from './leaderboard/tune/tune.js';
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
export { exportParquet, type ItemTable } from './runs/export/parquet.js';
export { exportVespa, type VespaOptions, type VespaPackage } from './runs/export/vespa/package.js';
export { exportRun, type ModelManifest } from './runs/export.js';
export { RUN_FILES, type RunRecord } from './runs/folder.js';
export { inspectConfig, inspectRun, type ModelInspection } from './runs/inspect.js';
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
export type { SearchRange, SearchSpace } from './search-space.js';
export type {
  Engine,
  EngineHost,
  FeedbackEvent,
  ItemRow,
  RankAnswer,
  RankRequest,
  RecommendAnswer,
  RecommendRequest,
  UserRow,
  VersionInfo,
} from './serving/contract.js';
export { type EngineOptions, openEngine } from './serving/engine/engine.js';
export { type HostOptions, openHost } from './serving/host.js';
export { type Published, type PublishOptions, publish } from './serving/publish.js';
export { type HostState, Inference } from './training/inference.js';
export { type StepReport, Trainer } from './training/trainer.js';
