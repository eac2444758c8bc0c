/** `millrace/webhook`: webhooks out and in. */

export type { Dialer } from "./outgoing/dial.ts";
export { GITHUB_SIGNATURE, STRIPE_SIGNATURE, type HeaderSignature } from "./incoming/verifier.ts";
export { webhookIn, type WebhookInOptions } from "./webhook-in.ts";
export { webhook, webhookOut, type WebhookOptions, type WebhookOutOptions } from "./webhook-out.ts";
export type { WebhookContext, WebhookReceiver } from "../../service/inbound.ts";
