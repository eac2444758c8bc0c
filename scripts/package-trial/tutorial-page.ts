/**
 * A tutorial as what its reader does, block by block. The comment above a block says what it is:
 *
 * - `sh`: run in the second terminal; under `<!-- fails -->` it must fail. A plain block right below is
 *   what must be seen, line after line, with `…` for what differs and others in between.
 * - `ts` under `<!-- path -->`: the reader's file of that name is as shown.
 * - `diff` under `<!-- edit FILE -->`: its lines are exchanged.
 * - a plain block by itself: what the first terminal shows.
 */

export type Action =
  | { readonly kind: "run"; readonly lines: string; readonly how: string; readonly seen: string }
  | { readonly kind: "file"; readonly name: string; readonly text: string }
  | { readonly kind: "edit"; readonly name: string; readonly from: string; readonly to: string }
  | { readonly kind: "watch"; readonly seen: string };

const BLOCK = /(?:^<!-- (.+) -->\n)?^```(\w*)\n([\s\S]*?)^```$(?:\n```\n([\s\S]*?)^```$)?/gm;

export function actionsOf(page: string): readonly Action[] {
  return [...page.matchAll(BLOCK)].map(([, how = "", language = "", text = "", seen = ""]) =>
    actionOf(how, language, text, seen),
  );
}

function actionOf(how: string, language: string, text: string, seen: string): Action {
  switch (language) {
    case "sh":
      return { kind: "run", lines: text.trimEnd(), how, seen };
    case "":
      return { kind: "watch", seen: text };
    case "ts":
      return { kind: "file", name: how.replace(/^.*\//, "").replace(/\.tmpl$/, ""), text };
    case "diff":
      return {
        kind: "edit",
        name: how.replace(/^edit /, ""),
        from: linesWith("-", text),
        to: linesWith("+", text),
      };
    default:
      throw new Error(`a block of ${language} says nothing to do:\n${text}`);
  }
}

function linesWith(sign: string, text: string): string {
  const lines = text.split("\n").filter((line) => line.startsWith(sign));
  return lines.map((line) => line.slice(1)).join("\n");
}

/** The first line of what must be seen that is not, in this order, in the text. */
export function missing(seen: string, text: string): string | undefined {
  let rest = text.split("\n");
  for (const line of seen.split("\n").filter((each) => each.trim() !== "")) {
    const wanted = patternOf(line);
    const at = rest.findIndex((each) => wanted.test(each));
    if (at < 0) return line;
    rest = rest.slice(at + 1);
  }
  return undefined;
}

function patternOf(line: string): RegExp {
  const parts = line
    .trim()
    .split("…")
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  // The door takes another port where its usual one is in use.
  return new RegExp(`^\\s*${parts.join(".*").replace("4370", "\\d+")}\\s*$`);
}
