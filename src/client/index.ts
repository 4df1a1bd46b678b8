export type { ChangeReply, ItemReply, RankReply, RecommendReply, UserReply } from '../serving/http/answers.js';
export type { RankBody, RankHead, RecommendBody } from '../serving/http/schemas.js';
export { type ArrayRanking, type ClientOptions, ServerError, TwoTowerClient } from './client.js';
