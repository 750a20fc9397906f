// pg-boss, a batch of jobs for each call of the handler.

import { PgBoss } from "pg-boss";
import { noop, ping, play, url } from "./peer.mjs";

const BATCH_SIZE = 1000;

let boss;

const start = async (options) => {
  boss = new PgBoss({ connectionString: url, ...options });
  boss.on("error", (fault) => console.error(fault));
  await boss.start();
};

const close = () => boss.stop({ graceful: true });

await play({
  setup: async () => {
    await start();
    for (const name of ["noop", "ping"]) await boss.createQueue(name, { notify: true });
    await close();
  },

  client: async () => {
    await start({ supervise: false, schedule: false });
    return {
      enqueue: (task, n) => boss.send(task, { n }),
      enqueueMany: (task, all) => boss.insert(task, all.map((n) => ({ data: { n } }))),
    };
  },

  close,

  work: async () => {
    await start({ useListenNotify: true });
    process.on("SIGTERM", close);
    for (const [name, job] of Object.entries({ noop, ping })) {
      await boss.work(
        name,
        { batchSize: BATCH_SIZE, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true },
        async (jobs) => jobs.forEach(({ data }) => job(data.n)),
      );
    }
  },
});
