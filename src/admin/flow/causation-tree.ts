/** Putting the messages of a conversation into the order of their causes. */

import { passingCauses } from "../../model/passing.ts";
import type { FlowMessage } from "../api/flow-admin.ts";
import type { FoundMessage } from "./flow-search.ts";

interface Node {
  readonly message: Omit<FlowMessage, "depth">;
  readonly cause: string | undefined;
  readonly time: number;
  readonly children: Node[];
}

/**
 * Each message once, with all its places, before what it caused; siblings by time. A cause that was
 * not found stands as a message without places, so that what it caused is seen to belong together.
 */
export function causationTree(found: readonly FoundMessage[]): readonly FlowMessage[] {
  const nodes = nodesById(found);
  addPassing(found, nodes);
  for (const { cause, time } of nodes.values()) {
    if (cause === undefined || nodes.has(cause)) continue;
    nodes.set(cause, { message: { id: cause, places: [] }, cause: undefined, time, children: [] });
  }
  const byTime = [...nodes.values()].toSorted((a, b) => a.time - b.time);
  for (const node of byTime) nodes.get(node.cause ?? "")?.children.push(node);

  const ordered: FlowMessage[] = [];
  const placed = new Set<Node>();
  const place = (root: Node): void => {
    // A list instead of recursion: a chain of causes may be as long as the conversation.
    const waiting: { node: Node; depth: number }[] = [{ node: root, depth: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node, depth } = next;
      if (placed.has(node)) continue;
      placed.add(node);
      ordered.push({ ...node.message, depth });
      waiting.push(
        ...node.children.toReversed().map((child) => ({ node: child, depth: depth + 1 })),
      );
    }
  };
  for (const node of byTime) if (node.cause === undefined) place(node);
  // Strangers may send messages that name each other as their cause: no root leads to them.
  for (const node of byTime) if (!placed.has(node)) place(node);
  return ordered;
}

/** The commands, replies and timers between the messages that were found. */
function addPassing(found: readonly FoundMessage[], nodes: Map<string, Node>): void {
  for (const { shown } of found) {
    if (shown.envelope === undefined) continue;
    const { time } = shown.envelope;
    let effect: string | undefined = shown.envelope.causation;
    for (const { kind, type, id, causation } of passingCauses(shown.envelope)) {
      // A copy that a router made keeps the attribute of its original, which had another cause.
      if (id !== effect) break;
      effect = causation;
      if (nodes.has(id)) continue;
      const message = { id, places: [], passed: { kind, type } };
      nodes.set(id, {
        message,
        cause: causation === id ? undefined : causation,
        time,
        children: [],
      });
    }
  }
}

function nodesById(found: readonly FoundMessage[]): Map<string, Node> {
  const nodes = new Map<string, Node>();
  for (const { shown, place } of found) {
    if (shown.envelope === undefined) continue;
    const { id, causation, time } = shown.envelope;
    const known = nodes.get(id);
    if (known !== undefined) {
      const { message } = known;
      nodes.set(id, { ...known, message: { ...message, places: [...message.places, place] } });
      continue;
    }
    const cause = causation === id ? undefined : causation;
    nodes.set(id, { message: { ...shown, id, places: [place] }, cause, time, children: [] });
  }
  return nodes;
}
