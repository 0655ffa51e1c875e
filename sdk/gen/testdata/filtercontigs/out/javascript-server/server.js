// The module FilterContigs. This file is yours: it was written once. The functions of
// the interface are declared in interface.js, which is written again with each
// change of it.

import { pathToFileURL } from "node:url";
import { CallError, Service } from "@dynsvc/sdk";
import { register } from "./interface.js";

/** @type {import("./interface.js").Functions} */
const functions = {
  /**
   * FilterContigs.filter_contigs. It needs a token.
   *
   * Removes contigs that are shorter than min_length.
   */
  async filterContigs(ctx, params) {
    throw new CallError("filter_contigs is not written yet");
  },

  /**
   * FilterContigs.count_contigs.
   *
   * The number of contigs.
   */
  async countContigs(ctx, fasta) {
    throw new CallError("count_contigs is not written yet");
  },
};

export const service = new Service("FilterContigs");
register(service, functions);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await service.run();
}
