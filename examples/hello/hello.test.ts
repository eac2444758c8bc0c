import { test } from "node:test";
import { given } from "millrace/testing";
import { Greet, Greeted } from "./contract.ts";
import { guest, guests } from "./hello.ts";

const ada = { name: "Ada" };

test("a guest is greeted", () => {
  given(guest)
    .when(Greet(ada))
    .then([Greeted({ ...ada, times: 1 })]);
});

test("three times are enough", () => {
  given(guest, [Greeted({ ...ada, times: 3 })])
    .when(Greet(ada))
    .thenRefused("greeted-enough");
});

test("the view knows how often", () => {
  given(guests, [Greeted({ ...ada, times: 1 }), Greeted({ ...ada, times: 2 })])
    .at("2026-01-01T09:00Z")
    .then("Ada", { times: 2, lastMs: Date.parse("2026-01-01T09:00Z") });
});
