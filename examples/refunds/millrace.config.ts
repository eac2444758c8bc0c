import { defineConfig } from "millrace";
import { before, refunds } from "./refunds.ts";

export default defineConfig({ services: [process.env["REFUNDS"] === "before" ? before : refunds] });
