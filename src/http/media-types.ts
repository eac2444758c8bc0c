/** The media types that the door takes and gives. */

export const JSON_TYPE = "application/json";
export const LINES_TYPE = "application/x-ndjson";
export const STRUCTURED_TYPE = "application/cloudevents+json";
export const BATCH_TYPE = "application/cloudevents-batch+json";
export const EVENTS_TYPE = "text/event-stream";
