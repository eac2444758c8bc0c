/** What must compile, as DESIGN shows it, and what must not. The compiler is the judge. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { MillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event, timer } from "../schema/message-type.ts";
import { abort, after, at, cancel, end, step } from "./actions.ts";
import { saga } from "./saga.ts";

const orderId = z.object({ orderId: z.string() });
const byOrder = { key: (data: { readonly orderId: string }) => data.orderId };
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), byOrder);
const OrderPaid = event("order.paid", orderId, byOrder);
const PaymentSettled = event("payment.settled", orderId.extend({ paid: z.number() }));
const CancelOrder = command("order.cancel", orderId.extend({ why: z.string() }), byOrder);
const TakePayment = command("payment.take", orderId.extend({ amount: z.number() }), {
  ...byOrder,
  refuses: ["no-money", "blocked"],
  replies: z.object({ receipt: z.string() }),
});
const RefundPayment = command("payment.refund", orderId, byOrder);
const Undeclared = command("undeclared", orderId, byOrder);
const PaymentDue = timer("payment.due", orderId);
const Other = timer("other", orderId);
const orders = stream("orders", { OrderPlaced, OrderPaid });
const payments = stream("payments", { PaymentSettled });
const twice = stream("twice", { OrderPaid });
const cancels = queue("cancels", { CancelOrder });
const bank = queue("bank", { TakePayment, RefundPayment });

/** A wrong use may also be refused when it runs; here only the compiler is asked. */
function judged(declare: () => unknown): void {
  try {
    declare();
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error));
  }
}

const beginning = () =>
  saga("checkout", {
    from: orders,
    timers: { PaymentDue },
    sends: [cancels, bank],
    initial: { paid: false },
  });

test("the sketch of the design compiles as written", () => {
  const checkout = saga("checkout", {
    from: orders,
    timers: { PaymentDue },
    sends: cancels,
    initial: { paid: false },
  })
    .evolve({ OrderPaid: () => ({ paid: true }) })
    .react({
      OrderPlaced: (e) => after("30m", PaymentDue(e)),
      PaymentDue: (e, s) => (s.paid ? [] : CancelOrder({ ...e, why: "unpaid" })),
    });
  assert.deepEqual(
    [checkout.partKind, [...checkout.handles].toSorted()],
    [
      "saga",
      [
        "millrace.reply",
        "millrace.saga.deadline",
        "millrace.saga.retry",
        "order.paid",
        "order.placed",
        "payment.due",
      ],
    ],
  );
});

test("everything that a saga may do compiles", () => {
  const everything = saga("everything", {
    from: [orders, payments],
    timers: { PaymentDue, Other },
    sends: [cancels, bank],
    initial: { paid: false, due: 0 },
    id: { PaymentSettled: (e) => e.orderId },
    starts: ["OrderPlaced"],
    version: 2,
    upcast: { 1: (old: { paid: boolean }) => ({ ...old, due: 0 }) },
    policy: { attempts: 3 },
  })
    .evolve({
      OrderPlaced: (s, e, { time }) => ({ ...s, due: e.total + time }),
      PaymentDue: (s, e) => ({ ...s, paid: e.orderId === "" }),
    })
    .react({
      OrderPlaced: (e, s, { now, newId, random, instance, id, time, version }) => {
        const amount = s.due + now + random() + time + version;
        return [
          step(TakePayment({ orderId: instance, amount }), {
            undo: RefundPayment({ orderId: newId() + id }),
            deadline: "10m",
          }),
          CancelOrder({ ...e, why: "" }),
          at(now + 1000, Other(e)),
          after("1h", PaymentDue(e)),
          cancel(Other),
        ];
      },
      OrderPaid: () => end(),
      PaymentSettled: (e) => (e.paid > 0 ? abort("paid twice") : undefined),
      PaymentDue: () => undefined,
      Other: () => [],
    })
    .answers({
      TakePayment: (answer, s) => {
        if (answer.ok) return s.paid && answer.reply.receipt === "" ? end() : [];
        return answer.refusal.code === "blocked"
          ? abort("blocked")
          : after("1d", PaymentDue({ orderId: "o" }));
      },
    });
  assert.equal(everything.rules.answers.size, 1);
});

// proves: loose-coupling
test("only what is declared can be sent, set, cancelled or undone", () => {
  const declared = beginning().evolve({});
  judged(() =>
    declared.react({
      // @ts-expect-error an undeclared command
      OrderPaid: (e) => Undeclared(e),
    }),
  );
  judged(() =>
    declared.react({
      // @ts-expect-error an undeclared command in a list
      OrderPaid: (e) => [CancelOrder({ ...e, why: "" }), Undeclared(e)],
    }),
  );
  judged(() =>
    declared.react({
      // @ts-expect-error an undeclared step
      OrderPaid: (e) => step(Undeclared(e)),
    }),
  );
  judged(() =>
    declared.react({
      // @ts-expect-error an undeclared undo
      OrderPaid: (e) => step(TakePayment({ ...e, amount: 1 }), { undo: Undeclared(e) }),
    }),
  );
  judged(() =>
    declared.react({
      // @ts-expect-error an undeclared timer
      OrderPaid: (e) => after("1m", Other(e)),
    }),
  );
  judged(() =>
    declared.react({
      // @ts-expect-error cancels an undeclared timer
      OrderPaid: () => cancel(Other),
    }),
  );
  judged(() =>
    declared.react({
      // @ts-expect-error an event is not sent
      OrderPaid: (e) => OrderPaid(e),
    }),
  );
  judged(() =>
    declared.react({
      // @ts-expect-error a timer is set, not sent
      OrderPaid: (e) => PaymentDue(e),
    }),
  );
  judged(() =>
    saga("s", { from: orders, initial: {} })
      .evolve({})
      .react({
        // @ts-expect-error this saga declares neither queues nor timers
        OrderPaid: (e) => CancelOrder({ ...e, why: "" }),
      }),
  );
});

test("wrong payloads, states, names and options do not compile", () => {
  judged(() =>
    beginning()
      .evolve({})
      .react({
        // @ts-expect-error a wrong payload of a command
        OrderPaid: (e) => CancelOrder(e),
        // @ts-expect-error a wrong payload of a timer
        OrderPlaced: () => after("1m", PaymentDue({})),
      }),
  );
  judged(() =>
    beginning()
      .evolve({})
      // @ts-expect-error no such duration
      .react({ OrderPlaced: (e) => after("soon", PaymentDue(e)) }),
  );
  judged(() =>
    beginning().evolve({
      // @ts-expect-error misspelt fold
      OrderPayed: () => ({ paid: true }),
    }),
  );
  judged(() =>
    beginning().evolve({
      // @ts-expect-error the next state lacks a field
      OrderPaid: () => ({}),
    }),
  );
  judged(() =>
    beginning()
      .evolve({})
      .react({
        // @ts-expect-error misspelt reaction
        PaymentDu: () => [],
      }),
  );
  judged(() =>
    beginning()
      .evolve({})
      .react({
        // @ts-expect-error the state has no such field
        OrderPaid: (_, s) => (s.payed ? [] : []),
      }),
  );
  judged(() =>
    beginning()
      .evolve({})
      .react({})
      // @ts-expect-error answers to a command that it does not send
      .answers({ Undeclared: () => [] }),
  );
  judged(() =>
    beginning()
      .evolve({})
      .react({})
      .answers({
        // @ts-expect-error the command refuses with no such code
        TakePayment: (answer) => (!answer.ok && answer.refusal.code === "no-such" ? end() : []),
      }),
  );
  // @ts-expect-error misspelt start
  judged(() => saga("s", { from: orders, initial: {}, starts: ["OrderPlcd"] }));
  // @ts-expect-error misspelt option
  judged(() => saga("s", { from: orders, initial: {}, timer: { PaymentDue } }));
  judged(() =>
    saga("s", {
      from: orders,
      initial: {},
      // @ts-expect-error misspelt id
      id: { OrderPlcd: () => "x" },
    }),
  );
  // @ts-expect-error two streams with one handler name
  judged(() => saga("s", { from: [orders, twice], initial: {} }));
  // @ts-expect-error an event and a timer with one handler name
  judged(() => saga("s", { from: orders, timers: { OrderPaid: PaymentDue }, initial: {} }));
});
