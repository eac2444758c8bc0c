/** How long requests took, by address: a histogram with the bounds that a person would ask about. */

import type { MetricFamily, Sample } from "./exposition.ts";

const BOUNDS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

interface Series {
  readonly counts: number[];
  sumSeconds: number;
  count: number;
}

/** Labels come from the door's own routes and statuses, never from a caller: so their number is bounded. */
export class RequestHistogram {
  readonly #series = new Map<string, Series>();

  observe(address: string, status: number, ms: number): void {
    const key = `${status} ${address}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { counts: BOUNDS_SECONDS.map(() => 0), sumSeconds: 0, count: 0 };
      this.#series.set(key, series);
    }
    const seconds = ms / 1000;
    series.count++;
    series.sumSeconds += seconds;
    const bound = BOUNDS_SECONDS.findIndex((most) => seconds <= most);
    if (bound >= 0) series.counts[bound]!++;
  }

  family(): MetricFamily {
    const samples: Sample[] = [];
    for (const [key, { counts, sumSeconds, count }] of this.#series) {
      const [status = "", ...address] = key.split(" ");
      const labels = { address: address.join(" "), status };
      let cumulative = 0;
      BOUNDS_SECONDS.forEach((le, at) => {
        cumulative += counts[at]!;
        samples.push({
          suffix: "_bucket",
          labels: { ...labels, le: String(le) },
          value: cumulative,
        });
      });
      samples.push({ suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count });
      samples.push({ suffix: "_sum", labels, value: sumSeconds });
      samples.push({ suffix: "_count", labels, value: count });
    }
    return {
      name: "millrace_http_request_duration_seconds",
      help: "Time from a request to its answer's headers, by address and status.",
      type: "histogram",
      samples,
    };
  }
}
