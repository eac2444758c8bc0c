/**
 * What the parent knows of the customers, and what it demands of the books: money and stock add up, no
 * order is stuck, and everybody who was told that the order is taken has one.
 */

import { audit } from "../../../examples/shop/audit.ts";
import { cartId } from "../../../examples/shop/customers.ts";
import { orderList } from "../../../examples/shop/services/orders.ts";
import type { OrderProcess } from "../../../examples/shop/shop.ts";
import type { App } from "../../../src/host/app.ts";
import type { ComponentRecord, Opened, Violation } from "../driver.ts";
import { parkedIn, restUntil } from "../open-app.ts";
import type { Json, Report } from "../report.ts";
import { PROCESSES, runShop } from "./run-shop.ts";

type Counts = Readonly<Record<string, number>>;

/** Settles when the last look at a shop is over: directories side by side would share the one bank. */
let looked: Promise<unknown> = Promise.resolve();

export class ShopRecord implements ComponentRecord {
  readonly violations: Violation[] = [];
  readonly #visited = new Map<OrderProcess, Set<number>>(
    PROCESSES.map((process) => [process, new Set()]),
  );
  readonly #begun = new Map<OrderProcess, number>();
  readonly #inFlight = new Set<number>();
  readonly #books = new Map<OrderProcess, Counts>();
  #lives = 0;

  take([, kind, ...facts]: Report): void {
    if (kind === "error") return this.#report("wrong", String(facts[0]));
    const process = PROCESSES.find((each) => each === facts[0])!;
    const number = Number(facts[1]);
    if (kind === "try") {
      this.#inFlight.add(number);
      this.#begun.set(process, Math.max(number + 1, this.#begun.get(process) ?? 0));
    } else if (kind === "ack") {
      this.#inFlight.delete(number);
      this.#visited.get(process)!.add(number);
    }
  }

  died(): ReturnType<ComponentRecord["died"]> {
    const visits = this.#inFlight.size;
    this.#lives++;
    this.#inFlight.clear();
    return { visits };
  }

  /** The processes take turns. */
  resume(): Json {
    const process = PROCESSES[this.#lives % PROCESSES.length]!;
    const next = this.#begun.get(process) ?? 0;
    const visited = this.#visited.get(process)!;
    const all = Array.from({ length: next }, (_, number) => number);
    return [process, ...all.filter((number) => !visited.has(number)), next];
  }

  verify(opened: Opened): Promise<void> {
    const look = looked.then(() => this.#look(opened));
    looked = look.catch(() => undefined);
    return look;
  }

  async #look(opened: Opened): Promise<void> {
    for (const process of PROCESSES) {
      await using app = await runShop(opened, process);
      await restUntil(app, () => Promise.resolve(true));
      const { counts, problems } = await audit(app);
      this.#books.set(process, counts);
      for (const problem of problems) this.#report(kindOf(problem), `${process}: ${problem}`);
      for (const text of await parkedIn(app)) this.#report("wrong", `${process}: ${text}`);
      await this.#missing(app, process);
    }
  }

  /** The books know nothing of an order that never came to be. */
  async #missing(app: App, process: OrderProcess): Promise<void> {
    const visited = [...this.#visited.get(process)!];
    for (const number of visited.filter(checksOut)) {
      if ((await app.get(orderList, cartId(number))) !== undefined) continue;
      this.#report("lost", `${process}: ${cartId(number)} was checked out and never ordered`);
    }
  }

  #report(kind: Violation["kind"], text: string): void {
    this.violations.push({ kind, text });
  }

  get totals(): ComponentRecord["totals"] {
    return Object.fromEntries(
      PROCESSES.flatMap((process) => {
        const { orders = 0, completed = 0, cancelled = 0 } = this.#books.get(process) ?? {};
        return [
          [`visits, ${process}`, this.#visited.get(process)!.size],
          [`orders, ${process}`, orders],
          [`completed, ${process}`, completed],
          [`cancelled, ${process}`, cancelled],
        ];
      }),
    );
  }

  get remarks(): readonly string[] {
    return [...this.#books].map(
      ([process, counts]) => `books of the ${process} shop: ${JSON.stringify(counts)}`,
    );
  }
}

/** What a life is to do. */
export interface ShopTurn {
  readonly process: OrderProcess;
  /** The customers whose visit was cut short, and at the end the next new one. */
  readonly undone: readonly number[];
}

export function turnOf(resume: Json): ShopTurn {
  const [name, ...undone] = Array.isArray(resume) ? resume : [];
  const process = PROCESSES.find((each) => each === name);
  if (process === undefined) throw new Error(`the shop has no process ${String(name)}`);
  return { process, undone: undone.map(Number) };
}

/** As `visit` does it: the others only look around. */
function checksOut(number: number): boolean {
  return number % 9 !== 8;
}

function kindOf(problem: string): Violation["kind"] {
  if (problem.includes("twice")) return "twice";
  return problem.includes("stuck") ? "lost" : "wrong";
}
