/** `npx millrace dev` in this folder runs the service; `npm start` at the root also feeds it. */

import { defineConfig } from "millrace";
import { pulse } from "./pulse.ts";

export default defineConfig({ services: [pulse], data: ".millrace" });
