/** What a saga's handlers take and may return, worked out from what it declares. */

import type { Evolve } from "../model/fold.ts";
import type { Draft } from "../model/message.ts";
import type {
  MessageType,
  OutputOf,
  QueueDeclaration,
  RefusalOf,
  ReplyOf,
  StreamDeclaration,
  TimerTypes,
} from "../schema/declaration.ts";
import type { RefusalData } from "../service/ask/answer.ts";
import type { DataOf, ItemOf, NamesOf, SharedNames } from "../service/consumer/handler-types.ts";
import type { FailurePolicy } from "../service/part.ts";
import type { Abort, CancelTimer, End, Reaction, SetTimer, Step } from "./actions.ts";
import type { ReactContext } from "./saga-rules.ts";

type OneOrMany<Item> = Item | readonly [Item, ...Item[]];
export type SagaStreams = OneOrMany<StreamDeclaration>;

/** What a saga may bring about. */
export interface SagaOutputs {
  /** The timers that it sets, by the name under which handlers get them. */
  readonly timers?: TimerTypes;
  /** The queues of the commands that it sends. */
  readonly sends?: OneOrMany<QueueDeclaration>;
}

export interface SagaOptions<From extends SagaStreams, State> {
  /** The streams whose events it follows. */
  readonly from: From;
  /** The state of an instance before its first event. */
  readonly initial: State;
  /** Which instance an event belongs to, by handler name; where none is given it is the event's key. */
  readonly id?: NoInfer<InstanceIds<From>>;
  /** The events that begin an instance; every event that is handled unless said. */
  readonly starts?: readonly NoInfer<NamesOf<ItemOf<From>>>[];
  /** The version of the state's shape, from 1; 1 unless said. */
  readonly version?: number;
  /** From each older version to the next; done to an instance when something comes for it. */
  readonly upcast?: Readonly<Record<number, (old: any) => unknown>>;
  readonly policy?: Partial<FailurePolicy>;
}

/** Which instance an event belongs to, by handler name. */
type InstanceIds<From> = {
  readonly [Name in NamesOf<ItemOf<From>>]?: (data: DataOf<ItemOf<From>, Name>) => string;
};

/** The outputs among the options, so that only these are inferred from them. */
export type OutputsIn<Outputs> = {
  readonly [Name in keyof Outputs & keyof SagaOutputs]: Outputs[Name];
};

/** Everything that a saga is connected to. */
export interface SagaChannels extends SagaOutputs {
  readonly from: SagaStreams;
}

type StreamsOf<Channels> = Channels extends { readonly from: infer From } ? ItemOf<From> : never;
type QueuesOf<Channels> = Channels extends { readonly sends: infer Sends } ? ItemOf<Sends> : never;
type TimersOf<Channels> = Channels extends { readonly timers: infer Timers } ? Timers : object;

type EventNames<Channels> = NamesOf<StreamsOf<Channels>>;
type EventData<Channels, Name extends string> = DataOf<StreamsOf<Channels>, Name>;
type TimerNames<Channels> = keyof TimersOf<Channels> & string;
type TimerData<Channels, Name> =
  TimerNamed<Channels, Name> extends infer Type extends MessageType ? OutputOf<Type> : never;
type TimerNamed<Channels, Name> = Name extends keyof TimersOf<Channels>
  ? TimersOf<Channels>[Name]
  : never;
type CommandsOf<Queue> = Queue extends QueueDeclaration ? Queue["types"] : never;
type CommandNamed<Channels, Name> =
  CommandsOf<QueuesOf<Channels>> extends infer Types
    ? Types extends unknown
      ? Name extends keyof Types
        ? Types[Name]
        : never
      : never
    : never;
type EachOf<Types> = Types extends unknown ? Types[keyof Types] : never;

/** Compiles only where every handler name means one thing. */
export type DistinctHandlers<Channels extends SagaChannels> = ([
  SharedNames<Channels["from"]>,
] extends [never]
  ? unknown
  : { readonly from: `two streams carry ${SharedNames<Channels["from"]>}` }) &
  ([EventNames<Channels> & TimerNames<Channels>] extends [never]
    ? unknown
    : {
        readonly timers: `an event and a timer are named ${EventNames<Channels> & TimerNames<Channels>}`;
      });

export type Evolvers<Channels, State> = {
  readonly [Name in EventNames<Channels>]?: Evolve<State, EventData<Channels, Name>>;
} & {
  readonly [Name in TimerNames<Channels>]?: Evolve<State, TimerData<Channels, Name>>;
};

type CommandDraftOf<Type> =
  Type extends MessageType<infer Name, infer Input> ? Draft<Name, Input, "command"> : never;
type TimerDraftOf<Type> =
  Type extends MessageType<infer Name, infer Input> ? Draft<Name, Input, "timer"> : never;
type TypeNameOf<Type> = Type extends MessageType<infer Name> ? Name : never;

type Commands<Channels> = CommandDraftOf<EachOf<CommandsOf<QueuesOf<Channels>>>>;
type Timers<Channels> = TimerDraftOf<EachOf<TimersOf<Channels>>>;

/** What the handlers of this saga may return. */
export type SagaAction<Channels> =
  | Commands<Channels>
  | Step<Commands<Channels>>
  | SetTimer<Timers<Channels>>
  | CancelTimer<TypeNameOf<EachOf<TimersOf<Channels>>>>
  | Abort
  | End;

type React<Channels, State, Data> = (
  data: Data,
  state: State,
  context: ReactContext,
) => Reaction<SagaAction<Channels>>;

export type Reactions<Channels, State> = {
  readonly [Name in EventNames<Channels>]?: React<Channels, State, EventData<Channels, Name>>;
} & {
  readonly [Name in TimerNames<Channels>]?: React<Channels, State, TimerData<Channels, Name>>;
};

/** What became of a step's command. */
export type StepAnswer<Code extends string = string, Reply = unknown> =
  | { readonly ok: true; readonly reply: Reply }
  | { readonly ok: false; readonly refusal: RefusalData<Code> };

export type Answers<Channels, State> = {
  readonly [Name in NamesOf<QueuesOf<Channels>>]?: React<
    Channels,
    State,
    AnswerOf<CommandNamed<Channels, Name>>
  >;
};

type AnswerOf<Type> = Type extends MessageType ? StepAnswer<RefusalOf<Type>, ReplyOf<Type>> : never;
