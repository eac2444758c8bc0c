/**
 * Who may do what: one pure function for every door. Doors only find out who somebody is
 * (`sign-in.ts`); where the admin API and the broker are entered, this decides.
 *
 * Nothing is allowed unless a rule says so, and no rule forbids: what one allows, none takes away. A
 * resource is named literally or by how its name begins; there are no patterns, so that a rule can be
 * read aloud and its reach seen.
 */

import { MillraceError } from "../model/errors.ts";
import type { Principal } from "./sign-in.ts";

/**
 * `read`: look at it. `write`: publish, send, ask. `create`: make it, or change its settings. `delete`:
 * remove it or what it holds. `admin`: seek, park, redrive, replay, pause. None includes another.
 */
export type Action = "read" | "write" | "create" | "delete" | "admin";

export type ResourceKind =
  | "stream"
  | "queue"
  | "group"
  | "transaction"
  | "service"
  | "view"
  | "broker";

/** The broker itself, as a whole, has the name `broker`. */
export interface Resource {
  readonly kind: ResourceKind;
  readonly name: string;
}

export interface Rule {
  /** A principal's name, a role that principals may have, or `*`: whoever has signed in. */
  readonly principal: string | { readonly role: string };
  readonly actions: readonly Action[] | "*";
  readonly resources: {
    readonly kind: ResourceKind | "*";
    /** `orders` alone, or with `*` behind it all names that begin so: `shop.*`, `*`. */
    readonly name: string;
  };
}

export interface Question {
  readonly principal: Principal;
  readonly action: Action;
  readonly resource: Resource;
}

/** Whether any rule allows it. */
export function allowed(rules: readonly Rule[], question: Question): boolean {
  return rules.some((rule) => covers(rule, question));
}

/** Throws NOT_ALLOWED naming principal, action and resource. */
export function requireAllowed(rules: readonly Rule[], question: Question): void {
  if (allowed(rules, question)) return;
  const { principal, action, resource } = question;
  throw new MillraceError(
    "NOT_ALLOWED",
    `no rule allows "${principal.name}" to ${action} ${resource.kind} "${resource.name}"; add a rule, or sign in as somebody else`,
    {
      details: { principal: principal.name, action, kind: resource.kind, resource: resource.name },
    },
  );
}

function covers({ principal, actions, resources }: Rule, question: Question): boolean {
  const { resource } = question;
  return (
    isMeant(principal, question.principal) &&
    (actions === "*" || actions.includes(question.action)) &&
    (resources.kind === "*" || resources.kind === resource.kind) &&
    isNamed(resources.name, resource.name)
  );
}

function isMeant(meant: Rule["principal"], { name, roles = [] }: Principal): boolean {
  if (typeof meant === "string") return meant === "*" || meant === name;
  return roles.includes(meant.role);
}

function isNamed(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

const ACTIONS: ReadonlySet<unknown> = new Set<Action>([
  "read",
  "write",
  "create",
  "delete",
  "admin",
]);
const KINDS: ReadonlySet<unknown> = new Set<ResourceKind | "*">([
  "stream",
  "queue",
  "group",
  "transaction",
  "service",
  "view",
  "broker",
  "*",
]);

/**
 * Throws BAD_CONFIG with the number of the first rule that is none: a misspelt action would allow
 * nothing without a word, and a `*` elsewhere than at the end would be taken literally.
 */
export function checkRules(rules: readonly Rule[]): void {
  rules.forEach((rule, index) => {
    const why = faultOf(rule);
    if (why === undefined) return;
    throw new MillraceError("BAD_CONFIG", `rule ${index + 1} ${why}`, {
      details: { rule: index + 1 },
    });
  });
}

function faultOf({ principal, actions, resources }: Rule): string | undefined {
  const who = typeof principal === "string" ? principal : principal?.role;
  if (typeof who !== "string" || who === "") {
    return 'has no principal; give a name, { role }, or "*" for whoever has signed in';
  }
  if (actions !== "*" && (!Array.isArray(actions) || actions.length === 0)) {
    return `has no actions; give some of ${[...ACTIONS].join(", ")}, or "*"`;
  }
  const unknown = actions === "*" ? undefined : actions.find((action) => !ACTIONS.has(action));
  if (unknown !== undefined) {
    return `names the action "${unknown}"; the actions are ${[...ACTIONS].join(", ")}`;
  }
  const kind: unknown = resources?.kind;
  if (!KINDS.has(kind)) {
    return `names the kind "${String(kind)}"; the kinds are ${[...KINDS].join(", ")}`;
  }
  const { name } = resources;
  if (typeof name !== "string" || name === "")
    return 'names no resource; "*" names all of the kind';
  if (name.slice(0, -1).includes("*")) return `names "${name}"; "*" may stand at the end alone`;
  return undefined;
}
