/**
 * The plain page at the printed address: what runs here, how fast and how far, and what to try. No
 * script; it asks for itself anew every few seconds. All that is shown is text: the tag `html` escapes
 * whatever is put into it.
 */

import { html } from "hono/html";
import type { Description, LagRow } from "../../admin/admin.ts";
import type { Registry } from "../../schema/registry.ts";
import { reasonsNotReady } from "../readiness.ts";
import { commandsToTry } from "./commands.ts";

const REFRESH_SECONDS = 5;

type Html = ReturnType<typeof html>;

export interface PageFacts {
  readonly description: Description;
  readonly lag: readonly LagRow[];
  /** Per second, by what `countsOf` names. */
  readonly rates: ReadonlyMap<string, number>;
  readonly registry: Registry;
  /** `http://127.0.0.1:4370` */
  readonly origin: string;
  /** Below it, where the door is mounted. */
  readonly path: string;
}

/** The counters whose growth the page shows. */
export function countsOf({ services, streams }: Description): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name, status } of services) {
    for (const part of status) counts.set(partKey(name, part.name), part.handled);
  }
  for (const { spec, partitions } of streams) {
    const appended = partitions.reduce((sum, { end }) => sum + end, 0);
    counts.set(streamKey(spec.name), appended);
  }
  return counts;
}

export function writePage(facts: PageFacts): Html {
  const { description, origin, path } = facts;
  const reasons = reasonsNotReady(description.services);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="${REFRESH_SECONDS}" />
        <title>Millrace</title>
        <link rel="stylesheet" href="${path}/style.css" />
      </head>
      <body>
        <header>
          <h1>Millrace</h1>
          <span class="dim">${origin}${path}</span> ${
            reasons.length === 0
              ? html`<span class="good">ready</span>`
              : html`<span class="bad">not ready</span>`
          }
        </header>
        ${reasons.map((reason) => html`<p class="bad">${reason}</p>`)} ${servicesTable(facts)}
        ${streamsTable(facts)} ${queuesTable(facts)} ${tryIt(facts)}
      </body>
    </html> `;
}

function servicesTable({ description, lag, rates }: PageFacts): Html {
  const rows = description.services.flatMap(({ name, parts, status }) =>
    parts.map((part) => {
      const now = status.find((one) => one.name === part.name);
      const own = lag.filter((row) => row.service === name && row.part === part.name);
      const behind = own.reduce((sum, row) => sum + row.lag, 0);
      const parked = own.reduce((sum, row) => sum + row.parked, 0);
      const state = now?.state ?? "elsewhere";
      return html`<tr>
        <td>${name}.${part.name}</td>
        <td class="spare">${part.kind}</td>
        <td class="${state === "running" ? "good" : "bad"}">${state}</td>
        <td class="number">${rateText(rates.get(partKey(name, part.name)))}</td>
        <td class="number">${count(behind)}</td>
        <td class="number${parked > 0 ? " bad" : ""}">${count(parked)}</td>
        <td class="number spare">${count(now?.handled ?? 0)}</td>
      </tr>`;
    }),
  );
  return table(
    "Services",
    ["part", "-kind", "state", "#per second", "#lag", "#parked", "-#handled"],
    rows,
  );
}

function streamsTable({ description, rates }: PageFacts): Html {
  const rows = description.streams.map(({ spec, partitions }) => {
    const ends = partitions.reduce((sum, { end }) => sum + end, 0);
    const kept = partitions.reduce((sum, { earliest, end }) => sum + end - earliest, 0);
    return html`<tr>
      <td>${spec.name}</td>
      <td class="number">${count(partitions.length)}</td>
      <td class="number">${rateText(rates.get(streamKey(spec.name)))}</td>
      <td class="number">${count(kept)}</td>
      <td class="number">${count(ends)}</td>
    </tr>`;
  });
  return table(
    "Streams",
    ["stream", "#partitions", "#per second", "#kept", "#ever appended"],
    rows,
  );
}

function queuesTable({ description }: PageFacts): Html {
  const rows = description.queues.map(
    ({ spec, waiting, delayed, leased, deadLetters }) =>
      html`<tr>
        <td>${spec.name}</td>
        <td class="number">${count(waiting)}</td>
        <td class="number">${count(delayed)}</td>
        <td class="number">${count(leased)}</td>
        <td class="number${deadLetters > 0 ? " bad" : ""}">${count(deadLetters)}</td>
      </tr>`,
  );
  return table("Queues", ["queue", "#waiting", "#delayed", "#leased", "#dead letters"], rows);
}

/** A head that begins with # is of a column of numbers, one that begins with - is left out on a phone. */
function table(title: string, heads: readonly string[], rows: readonly Html[]): Html {
  if (rows.length === 0)
    return html`<h2>${title}</h2>
      <p class="dim">none</p>`;
  const cells = heads.map((head) => {
    const [, spare = "", number = "", text = ""] = /^(-?)(#?)(.*)$/.exec(head) ?? [];
    const looks = `${number && "number"} ${spare && "spare"}`.trim();
    return html`<th class="${looks}">${text}</th>`;
  });
  return html`<h2>${title}</h2>
    <div class="wide">
      <table>
        <thead>
          <tr>
            ${cells}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

function tryIt({ registry, description, origin, path }: PageFacts): Html {
  const tried = commandsToTry(registry, description);
  return html`<h2>To try</h2>
    <p class="dim">
      TOKEN is what stands behind <code>?token=</code> in the address of this page, and in the line
      that the start printed.
    </p>
    <pre>
DOOR=${origin}${path}
TOKEN=…</pre>
    ${tried.map(
      ({ what, command }) =>
        html`<p>${what}</p>
          <pre>${command}</pre>`,
    )}`;
}

function partKey(service: string, part: string): string {
  return `part ${service}.${part}`;
}

function streamKey(stream: string): string {
  return `stream ${stream}`;
}

function rateText(rate: number | undefined): string {
  if (rate === undefined) return "–";
  return rate < 10 ? rate.toFixed(1) : count(Math.round(rate));
}

/** Digits in groups of three, as one reads them. */
function count(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, "\u202f");
}
