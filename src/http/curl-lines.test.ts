/** Reads `curl` lines of the pages as a shell and curl would, so that their tests need neither. */

import assert from "node:assert/strict";

/** Words as a shell makes them: quotes, double ones with variables, and lines joined by a backslash. */
export function wordsOf(
  command: string,
  variables: Readonly<Record<string, string>>,
): readonly string[] {
  const words = command
    .replaceAll("\\\n", " ")
    .trim()
    .match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g);
  return (words ?? []).map((word) =>
    word.replaceAll(
      /'([^']*)'|"([^"]*)"/g,
      (_, single?: string, double?: string) =>
        single ??
        (double ?? "").replaceAll(/\$(\w+)/g, (_all, name: string) => variables[name] ?? ""),
    ),
  );
}

export async function curl(words: readonly string[]): Promise<Response> {
  const [program, ...rest] = words;
  assert.equal(program, "curl");
  const headers = new Headers();
  const data: string[] = [];
  let url = "";
  let inQuery = false;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!;
    if (word === "-G") inQuery = true;
    else if (word === "-N") continue;
    else if (word === "-H") headers.set(...splitOnce(rest[++at]!, ": "));
    else if (word === "-d" || word === "--data-binary") data.push(rest[++at]!);
    else if (word === "--data-urlencode") {
      const [name, value] = splitOnce(rest[++at]!, "=");
      data.push(`${name}=${encodeURIComponent(value)}`);
    } else {
      assert.ok(!word.startsWith("-"), `the option ${word} is not known here`);
      url = word;
    }
  }
  if (data.length === 0) return fetch(url, { headers });
  if (inQuery) return fetch(`${url}?${data.join("&")}`, { headers });
  return fetch(url, { method: "POST", headers, body: data.join("&") });
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}
