/** The everyday API: declarations, and `openApp` to run them. */

export { deleteNamespace, inNamespace, listNamespaces } from "./broker/namespace/namespace.ts";
export {
  openApp,
  type App,
  type DocumentList,
  type FoundDocument,
  type ReadOptions,
} from "./host/app.ts";
export type { AppAskOptions } from "./host/app-asks.ts";
export { defineConfig, type Config } from "./host/config.ts";
export {
  passwords,
  scramCredentials,
  type PasswordUser,
  type PasswordUsers,
  type StoredCredentials,
} from "./host/sign-in/passwords.ts";
export type {
  AmqpDoorSettings,
  KafkaDoorSettings,
  ListenSettings,
  TlsSettings,
} from "./broker/doors.ts";
export type { Rule } from "./broker/rules.ts";
export type { Principal, ScramCredentials, SignIn, SignInFacts } from "./broker/sign-in.ts";
export type { AppOptions, DoorSettings, EffectSetting, LogSettings } from "./host/options.ts";
export type { Environment, Log } from "./model/environment.ts";
export type { Envelope } from "./model/envelope.ts";
export {
  ERROR_CODES,
  isMillraceError,
  MillraceError,
  type ErrorCode,
  type ErrorDetails,
} from "./model/errors.ts";
export type { Draft, Message } from "./model/message.ts";
export { valuesOf, type Outcome } from "./model/outcome.ts";
export { abort, after, at, cancel, end, step } from "./saga/actions.ts";
export type { StepAnswer } from "./saga/handler-types.ts";
export type { ReactContext } from "./saga/saga-rules.ts";
export { saga, type Saga } from "./saga/saga.ts";
export { queue, stream, type QueueOptions, type StreamOptions } from "./schema/channel.ts";
export type {
  Channel,
  CommandType,
  DraftOf,
  EventType,
  InputOf,
  MessageType,
  OutputOf,
  QueueDeclaration,
  StreamDeclaration,
  SubscriptionDeclaration,
} from "./schema/declaration.ts";
export { command, event, timer } from "./schema/message-type.ts";
export { subscription, type SubscriptionOptions } from "./schema/subscription.ts";
export { reject, reply, type Answer, type Refusal, type Reply } from "./service/ask/answer.ts";
export { consumer, type Consumer } from "./service/consumer/consumer.ts";
export { document, type DocumentDeclaration } from "./service/consumer/document.ts";
export type { Effect, EffectCall } from "./service/effects/effect-calls.ts";
export { badMessage, dependencyDown } from "./service/failure.ts";
export type { Part, Service } from "./service/part.ts";
export type { Published, PublishOptions } from "./service/publisher.ts";
export type { ReplayPlan } from "./service/replay/plan-replay.ts";
export type { ReplayMode, ReplayRange, ReplayRequest } from "./service/replay/replay-request.ts";
export type { ReplayControls } from "./service/replay/replays.ts";
export type {
  ReplayFailure,
  ReplayOptions,
  ReplayOutcome,
  ReplayProgress,
} from "./service/replay/run-replay.ts";
export type {
  PartStatus,
  RunningService,
  ViewControls,
} from "./service/running/running-service.ts";
export { router, type Router, type RouterOptions } from "./service/router/router.ts";
export type { RouteContext, RouterRule, RouteTarget } from "./service/router/rule.ts";
export type { Sink, SinkContext } from "./service/router/sink.ts";
export { service } from "./service/service.ts";
export type { GenerationStatus, ViewStatus } from "./service/views/view-status.ts";
export type { EntityState, StateAt } from "./service/unit/entity-state.ts";
export { decider, type Decider } from "./sourcing/decider.ts";
export { view, type EventSource, type View } from "./sourcing/view.ts";
