/** What `/metrics` tells of services and brokers, from the same looks that the other tools take. */

import type { Description, LagRow, ServiceDescription } from "../../admin/admin.ts";
import { DURATION_BOUNDS_MS } from "../../service/unit/durations.ts";
import type { MetricFamily, Sample } from "./exposition.ts";

/** What the host knows of its process. */
export interface ProcessFacts {
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly cpuSeconds: number;
  readonly upSeconds: number;
}

export interface Looks {
  readonly description: Description;
  readonly lag: readonly LagRow[];
  readonly process: ProcessFacts | undefined;
  readonly nowMs: number;
}

export function collectMetrics({
  description,
  lag,
  process,
  nowMs,
}: Looks): readonly MetricFamily[] {
  return [
    ...partMetrics(description),
    durationMetrics(description),
    ...outboxMetrics(description, nowMs),
    ...inputMetrics(lag),
    ...streamMetrics(description),
    ...queueMetrics(description),
    ...diskMetrics(description),
    ...(process === undefined ? [] : processMetrics(process)),
  ];
}

function partMetrics({ services }: Description): readonly MetricFamily[] {
  const parts = services.flatMap(({ name: service, status }) =>
    status.map((part) => ({ part, labels: { service, part: part.name } })),
  );
  const counted = (["handled", "failed", "expired"] as const).flatMap((result) =>
    parts.map(({ part, labels }) => ({ labels: { ...labels, result }, value: part[result] })),
  );
  const duplicates = parts.map(({ part, labels }) => ({
    labels: { ...labels, result: "duplicate" },
    value: part.duplicates,
  }));
  // By type it would be for strangers to say how many series there are.
  const ignored = parts.map(({ part, labels }) => ({
    labels: { ...labels, result: "ignored" },
    value: Object.values(part.ignored).reduce((sum, count) => sum + count, 0),
  }));
  return [
    counter(
      "millrace_part_messages_total",
      "Messages by what became of them, since the start of the process.",
      [...counted, ...duplicates, ...ignored],
    ),
    gauge(
      "millrace_part_running",
      "Whether the part runs; 0 where it is paused, stopped or failed.",
      parts.map(({ part, labels }) => ({ labels, value: part.state === "running" ? 1 : 0 })),
    ),
  ];
}

/** Prometheus counts a bucket with all that are below it. */
function durationMetrics({ services }: Description): MetricFamily {
  const samples: Sample[] = [];
  for (const { name: service, status } of services) {
    for (const { name: part, durations } of status) {
      const labels = { service, part };
      let count = 0;
      durations.counts.forEach((some, at) => {
        count += some;
        const bound = DURATION_BOUNDS_MS[at];
        const le = bound === undefined ? "+Inf" : String(bound / 1000);
        samples.push({ suffix: "_bucket", labels: { ...labels, le }, value: count });
      });
      samples.push({ suffix: "_sum", labels, value: durations.sumMs / 1000 });
      samples.push({ suffix: "_count", labels, value: count });
    }
  }
  return {
    name: "millrace_part_work_duration_seconds",
    help: "Time that a part took to decide about a unit of messages of one key.",
    type: "histogram",
    samples,
  };
}

function outboxMetrics({ services, lateReplies }: Description, nowMs: number): MetricFamily[] {
  const by = (valueOf: (service: ServiceDescription) => number): readonly Sample[] =>
    services.map((service) => ({ labels: { service: service.name }, value: valueOf(service) }));
  return [
    gauge(
      "millrace_outbox_messages",
      "Messages that are committed and not published.",
      by(({ outbox }) => outbox.waiting),
    ),
    gauge(
      "millrace_outbox_oldest_age_seconds",
      "How long the oldest of them has waited; 0 where none does.",
      by(({ outbox: { oldestMs = nowMs } }) => Math.max(0, nowMs - oldestMs) / 1000),
    ),
    counter(
      "millrace_replies_dropped_total",
      "Replies that nobody waited for any more when they could be sent.",
      by(({ droppedReplies }) => droppedReplies),
    ),
    counter("millrace_replies_late_total", "Answers that came when nobody waited any more.", [
      { value: lateReplies },
    ]),
  ];
}

function inputMetrics(lag: readonly LagRow[]): readonly MetricFamily[] {
  const by = (valueOf: (row: LagRow) => number): readonly Sample[] =>
    lag.map((row) => ({
      labels: { service: row.service, part: row.part, input: row.input },
      value: valueOf(row),
    }));
  return [
    gauge(
      "millrace_input_lag",
      "Messages that the part has still to take.",
      by((row) => row.lag),
    ),
    gauge(
      "millrace_input_parked",
      "Messages parked in the store.",
      by((row) => row.parked),
    ),
    gauge(
      "millrace_input_paused",
      "Whether the input stands still: a dependency is down, or parking is full.",
      by((row) => (row.paused === undefined ? 0 : 1)),
    ),
    gauge(
      "millrace_outbox_stuck",
      "Whether what the input led to does not get out of the outbox.",
      by((row) => (row.unpublished === undefined ? 0 : 1)),
    ),
  ];
}

function streamMetrics({ streams }: Description): readonly MetricFamily[] {
  const by = (
    valueOf: (partition: { readonly earliest: number; readonly end: number }) => number,
  ): readonly Sample[] =>
    streams.map(({ spec, partitions }) => ({
      labels: { stream: spec.name },
      value: partitions.reduce((sum, partition) => sum + valueOf(partition), 0),
    }));
  return [
    counter(
      "millrace_stream_records_total",
      "Records ever appended.",
      by(({ end }) => end),
    ),
    gauge(
      "millrace_stream_records_kept",
      "Records that retention keeps.",
      by(({ earliest, end }) => end - earliest),
    ),
  ];
}

function queueMetrics({ queues }: Description): readonly MetricFamily[] {
  const states = ["waiting", "delayed", "leased", "deadLetters"] as const;
  return [
    gauge(
      "millrace_queue_messages",
      "Messages of a queue by state.",
      queues.flatMap((info) =>
        states.map((state) => ({
          labels: { queue: info.spec.name, state: LABELS[state] },
          value: info[state],
        })),
      ),
    ),
  ];
}

function diskMetrics({ disk }: Description): readonly MetricFamily[] {
  if (disk === undefined) return [];
  const streams = disk.streams.flatMap(({ name: stream, partitions }) =>
    partitions.map((value, partition) => ({
      labels: { stream, partition: String(partition) },
      value,
    })),
  );
  return [
    gauge("millrace_stream_disk_bytes", "What a partition's segments take.", streams),
    gauge(
      "millrace_queue_disk_bytes",
      "What a queue's log takes.",
      disk.queues.map(({ name: queue, bytes: value }) => ({ labels: { queue }, value })),
    ),
    gauge(
      "millrace_store_disk_bytes",
      "What a service's store takes.",
      disk.stores.map(({ service, bytes: value }) => ({ labels: { service }, value })),
    ),
    gauge("millrace_state_disk_bytes", "What the broker's state log takes.", [
      { value: disk.state },
    ]),
    gauge("millrace_journal_disk_bytes", "What the broker's commit journal takes.", [
      { value: disk.journal },
    ]),
    gauge("millrace_disk_free_bytes", "What is free on the broker's disk.", [
      { value: disk.freeBytes },
    ]),
    gauge("millrace_disk_free_floor_bytes", "Below this much free, appends are refused.", [
      { value: disk.freeBytesMin },
    ]),
    gauge("millrace_disk_full", "1 where appends are refused because the disk has no room.", [
      { value: disk.full ? 1 : 0 },
    ]),
  ];
}

const LABELS = {
  waiting: "waiting",
  delayed: "delayed",
  leased: "leased",
  deadLetters: "dead_letter",
} as const;

function processMetrics(facts: ProcessFacts): readonly MetricFamily[] {
  const one = (value: number): readonly Sample[] => [{ value }];
  return [
    gauge("process_resident_memory_bytes", "Resident memory.", one(facts.residentBytes)),
    gauge("nodejs_heap_size_used_bytes", "Heap in use.", one(facts.heapUsedBytes)),
    counter("process_cpu_seconds_total", "CPU time used.", one(facts.cpuSeconds)),
    gauge("millrace_process_up_seconds", "Time since the start.", one(facts.upSeconds)),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, help, type: "gauge", samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, help, type: "counter", samples };
}
