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
  /** 200 unless said. */
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

type More = Partial<Omit<Operation, "method" | "path" | "id" | "summary">>;
/** Looks at something, unless `more` says otherwise. */
const get = (path: string, id: string, summary: string, more: More = {}): Operation => ({
  method: "get",
  path,
  id,
  summary,
  tag: "look",
  gives: JSON_ANSWER,
  ...more,
});
/** Repairs something, unless `more` says otherwise. */
const post = (path: string, id: string, summary: string, more: More = {}): Operation => ({
  method: "post",
  path,
  id,
  summary,
  tag: "repair",
  takes: JSON_BODY,
  gives: JSON_ANSWER,
  ...more,
});

export const OPERATIONS: readonly Operation[] = [
  get("/healthz", "health", "Whether the process lives.", { tag: "health", open: true }),
  get(
    "/readyz",
    "ready",
    "Whether every part runs and nothing stands still; 503 with the reasons.",
    { tag: "health", open: true },
  ),
  get("/metrics", "metrics", "Metrics in Prometheus' text format.", {
    tag: "health",
    gives: "text/plain",
  }),
  get("/", "page", "What runs here, for people.", { tag: "page", gives: "text/html" }),
  get("/style.css", "style", "The page's style.", { tag: "page", gives: "text/css", open: true }),
  get("/openapi.json", "openapi", "This document."),

  post("/events", "publish", "Publishes one CloudEvent, a batch of them, or lines of JSON.", {
    tag: "messages",
    parameters: [query("to", "stream:NAME or queue:NAME, where the type does not tell.")],
    takes: EVENT_BODIES,
    status: 201,
  }),
  post("/commands", "command", "Asks or sends a command, as one CloudEvent.", {
    tag: "messages",
    parameters: COMMAND_PARAMETERS,
    takes: COMMAND_BODIES,
  }),
  post("/commands/{type}", "commandByType", "Asks or sends a command by its type.", {
    tag: "messages",
    parameters: COMMAND_PARAMETERS,
    takes: COMMAND_BODIES,
  }),
  get(
    "/streams/{stream}/events",
    "cloudEvents",
    "CloudEvents as server-sent events, with resume.",
    {
      tag: "messages",
      parameters: [...FILTERS, RESUME],
      gives: "text/event-stream",
    },
  ),
  get("/streams/{stream}/tail", "tail", "Records as server-sent events, with resume.", {
    tag: "messages",
    parameters: [...FILTERS, RESUME],
    gives: "text/event-stream",
  }),
  get(
    "/streams/{stream}/records",
    "records",
    "A page of records; with Accept: application/x-ndjson, lines.",
    {
      tag: "messages",
      parameters: [...FILTERS, query("follow", "Lines alone: go on at the end.")],
    },
  ),

  get("/views/{view}", "find", "Documents by indexed fields, or one by ?id=.", {
    tag: "views",
    parameters: [
      query("where", 'JSON of indexed fields: {"status":"open","total":{"gte":5}}'),
      query("order", "A field; -field sorts downwards."),
      query("limit", "At most so many."),
      query("after", "The cursor of the page before."),
      query("id", "One document, whatever its id looks like."),
      ...FRESH,
    ],
  }),
  get("/views/{view}/{id}", "document", "A document.", { tag: "views", parameters: FRESH }),
  get("/views", "views", "The generations of views."),
  post("/views/{view}/rebuild", "rebuildView", "Builds a view anew beside the one that answers."),
  post("/views/{view}/swap", "swapView", "Lets another generation answer."),
  post("/views/{view}/drop", "dropView", "Removes a generation that does not answer."),

  get("/describe", "describe", "Services, parts, streams, queues and groups."),
  get("/lag", "lag", "How far each part is behind on each input."),
  get("/streams", "streams", "All streams."),
  get("/streams/{stream}", "stream", "A stream."),
  get("/streams/{stream}/offsets", "offsets", "What an offset expression means now.", {
    parameters: [query("at", "An offset expression."), query("partition", "One partition alone.")],
  }),
  get("/queues", "queues", "All queues."),
  get("/queues/{queue}", "queue", "A queue."),
  get("/groups", "groups", "All groups."),
  get("/groups/{group}", "group", "A group."),
  get("/flow", "flow", "The messages of one conversation, in the order of their causes.", {
    parameters: [
      query("correlation", "The conversation, or a message's id.", { required: true }),
      query("since", "An offset expression: where to begin looking."),
      query("scanMax", "Records looked at in each stream."),
    ],
  }),
  get("/state", "state", "The state of a decider's entity.", {
    parameters: [
      query("entity", "DECIDER/KEY", { required: true }),
      query("at", "A version, or @ and a moment."),
    ],
  }),
  get("/pauses", "pauses", "The parts that a person has paused."),
  get("/sagas", "sagas", "Instances of sagas.", {
    parameters: [
      query("saga", "One saga."),
      query("status", "active, compensating, ended or stuck."),
      query("limit", "At most so many."),
      query("after", "The cursor of the page before."),
    ],
  }),
  get("/sagas/{saga}", "saga", "One instance.", {
    parameters: [query("instance", "Its id.", { required: true })],
  }),
  get("/disk", "disk", "What streams, queues and stores take on the disk."),
  get("/jobs", "jobs", "Work that runs or ran: replays, backups, verifications."),
  get("/jobs/{id}", "job", "One job."),
  get("/failures", "failures", "Dead letters and parked messages.", {
    parameters: [
      query("queue", "Of one queue."),
      query("part", "Of one part."),
      query("limit", "At most so many."),
      query("after", "Behind this reference."),
    ],
  }),
  get("/failures/{ref}", "failure", "One failure."),

  post("/groups/{group}/seek", "seek", "Moves a group or a part."),
  post("/failures/redrive", "redrive", "Lets failures run again."),
  post("/failures/discard", "discard", "Removes failures for good."),
  post("/failures/{ref}/edit", "editFailure", "Publishes a corrected copy in a failure's place."),
  post("/parts/{part}/pause", "pausePart", "Stops a part until it is resumed."),
  post("/parts/{part}/resume", "resumePart", "Lets a part go on."),
  post("/sagas/{saga}/retry", "retrySaga", "Tries the undo again at which an instance is stuck."),
  post("/replays/plan", "planReplay", "What a replay would do; touches nothing."),
  post("/replays", "runReplay", "Starts a replay.", { status: 202 }),
  post("/backups", "backup", "Starts a backup into a directory of the broker's machine.", {
    status: 202,
  }),
  post("/logs/verify", "verifyLogs", "Starts to read every batch.", { status: 202 }),
  post("/jobs/{id}/cancel", "cancelJob", "Ends a job."),
];
