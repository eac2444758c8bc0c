/** The Kafka door without its sockets: requests go in and answers come out as frames, on a real broker. */

import type { KafkaDoorSettings } from "../../broker/doors.ts";
import type { Streams } from "../../broker/streams.ts";
import type { TestEnvironment } from "../../testing/environment.ts";
import type { Queues } from "../../broker/queues.ts";
import { openTestEngine, type TestEngineOptions } from "../engine-stage.test.ts";
import type { Disk } from "../log/open-log.ts";
import type { Draft } from "./codec/draft.ts";
import { decodeRequest, decodeResponse, encodeResponse } from "./codec/frames.ts";
import { API_TABLES, type ApiName, type Requests, type Responses } from "./codec/generated/apis.ts";
import { requestHeader } from "./codec/generated/header.ts";
import { writeAnswer, writeMessage } from "./codec/message-codec.ts";
import { requestHeaderVersion } from "./codec/request-header.ts";
import { WireWriter } from "./codec/wire-writer.ts";
import { createKafkaBroker } from "./create-kafka-broker.ts";
import type { Call } from "./handlers/handler.ts";
import { createHandlers } from "./handlers/handlers.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { openTransactions } from "./transactions/open-transactions.ts";

export interface TestKafka extends AsyncDisposable {
  readonly environment: TestEnvironment;
  readonly broker: KafkaBroker;
  readonly streams: Streams;
  readonly queues: Queues;
  /** Undefined where the request wants no answer. What the version has no field for is left out. */
  ask<Name extends ApiName>(
    api: Name,
    version: number,
    body: Draft<Requests[Name]>,
    call?: Partial<Call>,
  ): Promise<Responses[Name] | undefined>;
  /** Where an answer is certain. */
  tell<Name extends ApiName>(
    api: Name,
    version: number,
    body: Draft<Requests[Name]>,
    call?: Partial<Call>,
  ): Promise<Responses[Name]>;
}

export async function openTestKafka(
  disk?: Disk,
  settings: Partial<KafkaDoorSettings> = {},
  options?: TestEngineOptions,
): Promise<TestKafka> {
  const opened = await openTestEngine(disk, options);
  const { engine, environment, streams, queues } = opened;
  const transactions = await openTransactions(engine);
  const address = { host: "127.0.0.1", port: 9092 };
  const broker = createKafkaBroker(engine, transactions, { ...settings, address: () => address });
  const handlers = createHandlers(broker);
  const never = new AbortController();

  const ask: TestKafka["ask"] = async (api, version, body, over = {}) => {
    const decoded = decodeRequest(frameOf(api, version, body));
    const call: Call = {
      version,
      clientId: "test",
      clientHost: "127.0.0.1",
      may: () => true,
      claim: (bytes) => bytes,
      take: (bytes) => Buffer.alloc(bytes),
      claimWhole: () => Promise.resolve(true),
      gone: never.signal,
      ...over,
    };
    const handler = handlers[api];
    if (handler === undefined) throw new Error(`${api} has no handler`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the frame is one of this API
    const answer = await handler(decoded.body as Requests[typeof api], call);
    if (answer === undefined) return undefined;
    const answered = Buffer.concat(encodeResponse(api, version, CORRELATION, answer));
    return decodeResponse(api, version, answered.subarray(4)).body;
  };
  return {
    environment,
    broker,
    streams,
    queues,
    ask,
    async tell(api, version, body, call) {
      const answer = await ask(api, version, body, call);
      if (answer === undefined) throw new Error(`${api} was not answered`);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      broker.groups.close();
      await transactions.close();
      await opened[Symbol.asyncDispose]();
    },
  };
}

const CORRELATION = 7;

function frameOf<Name extends ApiName>(
  api: Name,
  version: number,
  body: Draft<Requests[Name]>,
): Buffer {
  const { key, request } = API_TABLES[api];
  const wire = new WireWriter();
  writeMessage(requestHeader, requestHeaderVersion(api, version), wire, {
    requestApiKey: key,
    requestApiVersion: version,
    correlationId: CORRELATION,
    clientId: "test",
  });
  writeAnswer(request, version, wire, body);
  return Buffer.concat(wire.finish());
}
