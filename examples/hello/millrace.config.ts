import { defineConfig } from "millrace";
import { hello } from "./hello.ts";
import { postcards } from "./postcards.ts";

export default defineConfig({ services: [hello, postcards] });
