// The contestant kafkajs + pg: one JSON event a record. Run as: node consume.js STAGE
'use strict';
const { readFileSync } = require('node:fs');
const { randomUUID } = require('node:crypto');
const { Kafka, logLevel } = require('kafkajs');
const { Client } = require('pg');

const stage = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const lanes = stage.ends.map((end, number) => ({
  number, end, offset: 0, stored: 0, time: 0, after: stage.start, marks: new Map(), advanced: new Map(),
  sums: new Map(),
}));
const say = (...words) => process.stdout.write(words.join(' ') + '\n');
let waiting = 0;

function check(event) {
  if (typeof event.id !== 'string' || event.id.length !== 36) throw new Error('id');
  if (!Number.isSafeInteger(event.at_ms) || event.at_ms < 0) throw new Error('at_ms');
  if (typeof event.video !== 'string' || event.video.length > 19) throw new Error('video');
  if (typeof event.viewer !== 'string' || event.viewer.length !== 32) throw new Error('viewer');
  const watched = event.watched_ms;
  if (watched !== undefined && !(Number.isInteger(watched) && watched >= 0 && watched <= 120000)) {
    throw new Error('watched_ms');
  }
}

function take(lane, message) {
  const stamp = message.headers.stamp;
  const key = stamp.toString('latin1', 2, 18) + stamp.toString('latin1', 26);
  const sequence = Number(stamp.readBigUInt64BE(18));
  const mark = lane.advanced.get(key) ?? lane.marks.get(key) ?? 0;
  if (sequence <= mark) return;
  if (sequence !== mark + 1) throw new Error(`a gap in partition ${lane.number}`);
  const event = JSON.parse(message.value.toString());
  check(event);
  lane.advanced.set(key, sequence);
  let sums = lane.sums.get(event.video);
  if (sums === undefined) lane.sums.set(event.video, (sums = [0, 0]));
  if (event.watched_ms === undefined) sums[0] += 1;
  else sums[1] += event.watched_ms;
  waiting += 1;
}

function uuid(key) {
  const hex = Buffer.from(key.slice(0, 16), 'latin1').toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

async function must(client, name, values, rows) {
  const done = await client.query({ name, text: stage.statements[name], values });
  if (rows !== undefined && done.rowCount !== rows) throw new Error(`fenced: ${name}`);
}

async function flush(client) {
  const token = randomUUID();
  const moved = lanes.filter((lane) => lane.offset !== lane.stored);
  await client.query('BEGIN');
  await must(client, 'positions', [
    token, moved.map((lane) => lane.number), moved.map((lane) => lane.offset), moved.map((lane) => lane.time),
    moved.map((lane) => lane.after), stage.cell, stage.topic,
  ], moved.length);
  const all = moved.flatMap((lane) => [...lane.advanced].map(([key, high]) => (
    { origin: key.slice(16), part: lane.number, key: uuid(key), high, low: lane.marks.get(key) ?? 0 })));
  const fresh = all.filter((mark) => mark.low === 0);
  const known = all.filter((mark) => mark.low !== 0);
  if (fresh.length) {
    await must(client, 'new_marks', [
      stage.topic, fresh.map((m) => m.origin), fresh.map((m) => m.part), fresh.map((m) => m.key),
      fresh.map((m) => m.high),
    ], fresh.length);
  }
  if (known.length) {
    await must(client, 'marks', [
      known.map((m) => m.origin), known.map((m) => m.part), known.map((m) => m.key), known.map((m) => m.high),
      known.map((m) => m.low), stage.topic,
    ], known.length);
  }
  const rows = moved.flatMap((lane) => [...lane.sums]);
  const videos = rows.map(([video]) => video);
  await must(client, 'counts', [
    videos, rows.map(() => stage.cell), rows.map(([, sums]) => sums[0]), rows.map(([, sums]) => sums[1]),
  ]);
  await must(client, 'outbox', [stage.topic, videos]);
  await client.query('COMMIT');
  for (const lane of moved) {
    lane.stored = lane.offset;
    lane.after = token;
    for (const [key, high] of lane.advanced) lane.marks.set(key, high);
    lane.advanced.clear();
    lane.sums = new Map();
  }
  waiting = 0;
  say('flushed', lanes.reduce((sum, lane) => sum + lane.offset, 0));
}

async function main() {
  const client = new Client({
    host: stage.host, port: stage.postgres_port, database: stage.database, user: stage.user,
    password: stage.password,
  });
  await client.connect();
  const kafka = new Kafka({
    brokers: [`${stage.host}:${stage.kafka_port}`],
    clientId: 'bench',
    logLevel: logLevel.ERROR,
    sasl: { mechanism: 'plain', username: stage.kafka_user, password: stage.kafka_password },
  });
  const consumer = kafka.consumer({
    groupId: `bench-${stage.start}`, maxBytesPerPartition: 1024 * 1024, maxBytes: 16 * 1024 * 1024,
  });
  await consumer.connect();
  await consumer.subscribe({ topic: stage.topic, fromBeginning: true });
  say('reading');
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const lane = lanes[batch.partition];
      for (const message of batch.messages) {
        const offset = Number(message.offset);
        if (offset < lane.offset) continue;
        take(lane, message);
        lane.offset = offset + 1;
        lane.time = Math.max(lane.time, Number(message.timestamp));
      }
      const end = lanes.every((one) => one.offset === one.end);
      if (waiting >= stage.flush_events || end) await flush(client);
      if (end) say('done');
    },
  });
  process.stdin.on('end', () => process.exit(0)).resume();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
