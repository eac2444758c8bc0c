/** Names of streams that attackers and the server both know. */

/** Has records enough to fill the buffers of whoever does not read them. */
export const LARGE_TOPIC = "large";
/** A reader of the server's own process reads it from the beginning to the end. */
export const READ_TOPIC = "read";
