/**
 * Every address of the door, as data for the OpenAPI document. A test compares it with the routes that
 * there are, both ways, so an address cannot be added without a word about it.
 */

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "header";
  readonly description: string;
  readonly required?: boolean;
  readonly repeated?: boolean;
}

export interface Operation {
  readonly method: "get" | "post";
  /** As OpenAPI writes it: `/streams/{stream}`. */
  readonly path: string;
  readonly id: string;
  readonly tag: "health" | "messages" | "views" | "look" | "repair" | "page";
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  /** The body's media types; absent for none. */
  readonly takes?: readonly string[];
  /** Of the good answer. */
  readonly gives: string;
  readonly status?: number;
  /** Needs no token. */
  readonly open?: boolean;
}

const JSON_BODY = ["application/json"];
const EVENT_BODIES = [
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "application/x-ndjson",
  "application/json",
];
const COMMAND_BODIES = ["application/cloudevents+json", "application/x-ndjson", "application/json"];
const JSON_ANSWER = "application/json";

const query = (name: string, description: string, more: Partial<Parameter> = {}): Parameter => ({
  name,
  in: "query",
  description,
  ...more,
});

const FROM = query(
  "from",
  "An offset expression: start, end, -10, 123, @2026-01-01T00:00, 0:120,1:7.",
);
const FILTERS = [
  FROM,
  query("partition", "One partition alone."),
  query("limit", "At most so many."),
  query("type", "A type, or a class such as order.*", { repeated: true }),
  query("key", "The messages' key."),
];
const RESUME: Parameter = {
  name: "Last-Event-ID",
  in: "header",
  description: "Go on behind the event that had this id, at every partition.",
};
const FRESH = [
  query("notBefore", "A position token: the read waits until the view has seen that write."),
  query("deadline", "How long it waits: 5s, 1500ms."),
  {
    name: "Millrace-Token",
    in: "header",
    description: "The same as notBefore, as writes answer it.",
  } as const,
];
const COMMAND_PARAMETERS = [
  query("deadline", "How long to wait for the answer: 5s, 1500ms; at most 60s."),
  query("async", "Send and do not wait; as the header Prefer: respond-async."),
  query("id", "The command's id: asked again with it, nothing is done twice."),
  query("key", "The key, where the type takes none from its payload."),
  query("actor", "On whose behalf."),
  query("correlation", "The conversation."),
  query("to", "queue:NAME, where several queues carry the type."),
  { name: "Idempotency-Key", in: "header", description: "The same as id." } as const,
];

type Short = Omit<Operation, "method" | "path">;
const get = (path: string, rest: Short): Operation => ({ method: "get", path, ...rest });
const post = (path: string, rest: Short): Operation => ({ method: "post", path, ...rest });
const look = (path: string, id: string, summary: string, parameters: readonly Parameter[] = []) =>
  get(path, { id, tag: "look", summary, parameters, gives: JSON_ANSWER });
const repair = (path: string, id: string, summary: string, status = 200) =>
  post(path, { id, tag: "repair", summary, takes: JSON_BODY, gives: JSON_ANSWER, status });

export const OPERATIONS: readonly Operation[] = [
  get("/healthz", {
    id: "health",
    tag: "health",
    summary: "Whether the process lives.",
    gives: JSON_ANSWER,
    open: true,
  }),
  get("/readyz", {
    id: "ready",
    tag: "health",
    summary: "Whether every part runs and nothing stands still; 503 with the reasons.",
    gives: JSON_ANSWER,
    open: true,
  }),
  get("/metrics", {
    id: "metrics",
    tag: "health",
    summary: "Metrics in Prometheus' text format.",
    gives: "text/plain",
  }),
  get("/", { id: "page", tag: "page", summary: "What runs here, for people.", gives: "text/html" }),
  get("/style.css", {
    id: "style",
    tag: "page",
    summary: "The page's style.",
    gives: "text/css",
    open: true,
  }),
  get("/openapi.json", {
    id: "openapi",
    tag: "look",
    summary: "This document.",
    gives: JSON_ANSWER,
  }),

  post("/events", {
    id: "publish",
    tag: "messages",
    summary: "Publishes one CloudEvent, a batch of them, or lines of JSON.",
    parameters: [query("to", "stream:NAME or queue:NAME, where the type does not tell.")],
    takes: EVENT_BODIES,
    gives: JSON_ANSWER,
    status: 201,
  }),
  post("/commands", {
    id: "command",
    tag: "messages",
    summary: "Asks or sends a command, as one CloudEvent.",
    parameters: COMMAND_PARAMETERS,
    takes: COMMAND_BODIES,
    gives: JSON_ANSWER,
  }),
  post("/commands/{type}", {
    id: "commandByType",
    tag: "messages",
    summary: "Asks or sends a command by its type.",
    parameters: COMMAND_PARAMETERS,
    takes: COMMAND_BODIES,
    gives: JSON_ANSWER,
  }),
  get("/streams/{stream}/events", {
    id: "cloudEvents",
    tag: "messages",
    summary: "CloudEvents as server-sent events, with resume.",
    parameters: [...FILTERS, RESUME],
    gives: "text/event-stream",
  }),
  get("/streams/{stream}/tail", {
    id: "tail",
    tag: "messages",
    summary: "Records as server-sent events, with resume.",
    parameters: [...FILTERS, RESUME],
    gives: "text/event-stream",
  }),
  get("/streams/{stream}/records", {
    id: "records",
    tag: "messages",
    summary: "A page of records; with Accept: application/x-ndjson, lines.",
    parameters: [...FILTERS, query("follow", "Lines alone: go on at the end.")],
    gives: JSON_ANSWER,
  }),

  get("/views/{view}", {
    id: "find",
    tag: "views",
    summary: "Documents by indexed fields, or one by ?id=.",
    parameters: [
      query("where", 'JSON of indexed fields: {"status":"open","total":{"gte":5}}'),
      query("order", "A field; -field sorts downwards."),
      query("limit", "At most so many."),
      query("after", "The cursor of the page before."),
      query("id", "One document, whatever its id looks like."),
      ...FRESH,
    ],
    gives: JSON_ANSWER,
  }),
  get("/views/{view}/{id}", {
    id: "document",
    tag: "views",
    summary: "A document.",
    parameters: FRESH,
    gives: JSON_ANSWER,
  }),
  look("/views", "views", "The generations of views."),
  repair("/views/{view}/rebuild", "rebuildView", "Builds a view anew beside the one that answers."),
  repair("/views/{view}/swap", "swapView", "Lets another generation answer."),
  repair("/views/{view}/drop", "dropView", "Removes a generation that does not answer."),

  look("/describe", "describe", "Services, parts, streams, queues and groups."),
  look("/lag", "lag", "How far each part is behind on each input."),
  look("/streams", "streams", "All streams."),
  look("/streams/{stream}", "stream", "A stream."),
  look("/streams/{stream}/offsets", "offsets", "What an offset expression means now.", [
    query("at", "An offset expression."),
    query("partition", "One partition alone."),
  ]),
  look("/queues", "queues", "All queues."),
  look("/queues/{queue}", "queue", "A queue."),
  look("/groups", "groups", "All groups."),
  look("/groups/{group}", "group", "A group."),
  look("/flow", "flow", "The messages of one conversation, in the order of their causes.", [
    query("correlation", "The conversation, or a message's id.", { required: true }),
    query("since", "An offset expression: where to begin looking."),
    query("scanMax", "Records looked at in each stream."),
  ]),
  look("/state", "state", "The state of a decider's entity.", [
    query("entity", "DECIDER/KEY", { required: true }),
    query("at", "A version, or @ and a moment."),
  ]),
  look("/pauses", "pauses", "The parts that a person has paused."),
  look("/sagas", "sagas", "Instances of sagas.", [
    query("saga", "One saga."),
    query("status", "active, compensating, ended or stuck."),
    query("limit", "At most so many."),
    query("after", "The cursor of the page before."),
  ]),
  look("/sagas/{saga}", "saga", "One instance.", [
    query("instance", "Its id.", { required: true }),
  ]),
  look("/jobs", "jobs", "Replays that run or ran."),
  look("/jobs/{id}", "job", "One job."),
  look("/failures", "failures", "Dead letters and parked messages.", [
    query("queue", "Of one queue."),
    query("part", "Of one part."),
    query("limit", "At most so many."),
    query("after", "Behind this reference."),
  ]),
  look("/failures/{ref}", "failure", "One failure."),

  repair("/groups/{group}/seek", "seek", "Moves a group or a part."),
  repair("/failures/redrive", "redrive", "Lets failures run again."),
  repair("/failures/discard", "discard", "Removes failures for good."),
  repair("/failures/{ref}/edit", "editFailure", "Publishes a corrected copy in a failure's place."),
  repair("/parts/{part}/pause", "pausePart", "Stops a part until it is resumed."),
  repair("/parts/{part}/resume", "resumePart", "Lets a part go on."),
  repair("/sagas/{saga}/retry", "retrySaga", "Tries the undo again at which an instance is stuck."),
  repair("/replays/plan", "planReplay", "What a replay would do; touches nothing."),
  repair("/replays", "runReplay", "Starts a replay.", 202),
  repair("/jobs/{id}/cancel", "cancelJob", "Ends a job."),
];
