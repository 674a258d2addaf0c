// The contestant kafkajs as a producer. Run as: node produce.js STAGE TOPIC WARM COUNT; one JSON event a message,
// a hundred messages a request, acknowledged by all in-sync replicas, idempotent.
'use strict';
const { readFileSync } = require('node:fs');
const { randomUUID } = require('node:crypto');
const { Kafka, logLevel } = require('kafkajs');

const stage = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const [topic, warm, count] = [process.argv[3], Number(process.argv[4]), Number(process.argv[5])];
const AT_ONCE = 100;
const REQUESTS = 4;
const say = (...words) => process.stdout.write(words.join(' ') + '\n');

// Ids are made by the page in the product, so they are made before the clock starts here too.
const prepared = Array.from({ length: 20000 }, (_, number) => ({
  id: randomUUID(), at_ms: Date.now(), video: String(1000000000000 + (number % 997)),
  viewer: randomUUID().replaceAll('-', ''), watched_ms: 10000,
}));

async function main() {
  const kafka = new Kafka({
    brokers: [`${stage.host}:${stage.kafka_port}`],
    clientId: 'bench',
    logLevel: logLevel.ERROR,
    sasl: { mechanism: 'plain', username: stage.kafka_user, password: stage.kafka_password },
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: REQUESTS });
  await producer.connect();
  let next = 0;
  const run = async (total) => {
    let left = total;
    const one = async () => {
      while (left > 0) {
        left -= AT_ONCE;
        const messages = [];
        for (let number = 0; number < AT_ONCE; number += 1) {
          const event = prepared[next++ % prepared.length];
          messages.push({ value: JSON.stringify(event), partition: (next + number) % stage.ends.length });
        }
        await producer.send({ topic, acks: -1, messages });
      }
    };
    await Promise.all(Array.from({ length: REQUESTS }, one));
  };
  await run(warm);
  say('warm', warm);
  await run(count);
  say('done', count);
  process.stdin.on('end', () => process.exit(0)).resume();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
