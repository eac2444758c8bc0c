// A second service: a postcard for every new guest. It knows the contract, and nothing of hello.ts.

import { consumer, service } from "millrace";
import { greetings } from "./contract.ts";
import { post } from "./post.ts";

const writer = consumer("writer", { from: greetings }).handle({
  Greeted: async ({ name, times }, { effect }) => {
    if (times === 1) await effect("send", (how) => post.send(name, how));
  },
});

export const postcards = service("postcards", { writer });
