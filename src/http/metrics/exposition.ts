/**
 * Prometheus' text format, version 0.0.4: what `/metrics` answers with.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** `_bucket`, `_sum` and `_count` of histograms. */
  readonly suffix?: string;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/** Samples of one family: a program with more parts or queues than this reads them elsewhere. */
const SAMPLES_MAX = 2_000;

/** Families without samples are left out. What is over the bound is left out and said in a comment. */
export function writeExposition(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(writeFamily)
    .join("");
}

function writeFamily({ name, help, type, samples }: MetricFamily): string {
  const lines = samples.slice(0, SAMPLES_MAX).map((sample) => writeSample(name, sample));
  const left = samples.length - lines.length;
  if (left > 0) lines.push(`# ${left} more series of ${name} are left out`);
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n`;
}

function writeSample(name: string, { labels = {}, value, suffix = "" }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  const set = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${suffix}${set} ${writeNumber(value)}`;
}

function writeNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
