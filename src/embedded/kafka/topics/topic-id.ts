/** A topic's id is the incarnation of its stream: a UUID, which the protocol writes in base64. */

export const NO_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAA";

export function topicIdOf(incarnation: string): string {
  return Buffer.from(incarnation.replaceAll("-", ""), "hex").toString("base64url");
}
