// The module Smallest. This file is yours: it was written once. The functions of
// the interface are declared in interface.js, which is written again with each
// change of it.

import { pathToFileURL } from "node:url";
import { Service } from "@dynsvc/sdk";
import { register } from "./interface.js";

/** @type {import("./interface.js").Functions} */
const functions = {};

export const service = new Service("Smallest");
register(service, functions);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await service.run();
}
