// The verbs and jobs that all adapters of peers on Node share.
//
// The counterpart of job.py and verbs.py; runs in the environment of a peer.

import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

export const url = process.env.PEER_URL;

let isFirstNoop = true;

// Seconds with fractions of a millisecond, by the same clock as Python's time.time().
const now = () => (performance.timeOrigin + performance.now()) / 1000;

const recordStart = (task, n) => {
  const startedAt = now();
  appendFileSync(process.env.PEER_STARTS, `${task} ${n} ${startedAt.toFixed(6)}\n`);
};

// Do nothing; the first job of each process records its start.
export const noop = (n) => {
  if (isFirstNoop) {
    isFirstNoop = false;
    recordStart("noop", n);
  }
};

// Record the start.
export const ping = (n) => recordStart("ping", n);

// Numbers from 1 to below count: job 0 opens the connection, which is not what is measured.
const numbers = (count) => Array.from({ length: count - 1 }, (_, i) => i + 1);

const timed = async (count, enqueue) => {
  const began = performance.now();
  await enqueue(numbers(count));
  return { seconds: (performance.now() - began) / 1000, count: count - 1 };
};

const enqueuing = {
  single: (client, count) =>
    timed(count, async (all) => {
      for (const n of all) await client.enqueue("noop", n);
    }),

  bulk: (client, count) => timed(count, (all) => client.enqueueMany("noop", all)),

  ping: async (client, count) => {
    const calledAt = [];
    const returnedAt = [];
    for (const n of numbers(count)) {
      await setTimeout(50 + Math.random() * 100);
      calledAt.push(now());
      await client.enqueue("ping", n);
      returnedAt.push(now());
    }
    return { called_at: calledAt, returned_at: returnedAt, count: count - 1 };
  },
};

// Do the verb of the command line with an adapter of four functions: setup, client, close, work.
export const play = async ({ setup, client, close, work }) => {
  const [verb, count] = process.argv.slice(2);
  if (verb === "work") return work();
  if (verb === "setup") return setup();
  const connected = await client();
  await connected.enqueue("noop", 0);
  const answer = await enqueuing[verb](connected, Number(count));
  await close();
  console.log(JSON.stringify(answer));
};
