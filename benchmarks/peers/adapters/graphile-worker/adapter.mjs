// Graphile Worker, with batches at both ends.

import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { noop, ping, play, url } from "./peer.mjs";

const silent = new Logger(() => () => {});

let utils;

const connect = async () => {
  utils = await makeWorkerUtils({ connectionString: url, logger: silent });
  return utils;
};

const close = () => utils.release();

await play({
  setup: async () => {
    await (await connect()).migrate();
    await close();
  },

  client: async () => {
    await connect();
    return {
      enqueue: (task, n) => utils.addJob(task, { n }),
      enqueueMany: (task, all) =>
        utils.addJobs(all.map((n) => ({ identifier: task, payload: { n } }))),
    };
  },

  close,

  work: async () => {
    const runner = await run({
      taskList: { noop: async ({ n }) => noop(n), ping: async ({ n }) => ping(n) },
      preset: {
        worker: {
          connectionString: url,
          concurrentJobs: 24,
          maxPoolSize: 26,
          localQueue: { size: 500 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
          logger: silent,
        },
      },
    });
    await runner.promise;
  },
});
