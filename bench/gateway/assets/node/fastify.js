// Fastify with its own plugins, as their documentation shows them.
"use strict";
const settings = JSON.parse(require("node:fs").readFileSync(process.argv[2], "utf8"));
const Redis = require("ioredis");
const prom = require("prom-client");
const requests = new prom.Counter({ name: "requests_total", help: "Requests", labelNames: ["service", "status"] });

async function main() {
  const app = require("fastify")({ logger: false, keepAliveTimeout: 600_000 });
  const redis = new Redis({ port: settings.valkey_port, host: "127.0.0.1", enableAutoPipelining: true });
  await app.register(require("@fastify/jwt"), { secret: settings.secret, verify: { allowedIss: settings.issuer, cache: true } });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({ "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer" });
    try {
      await request.jwtVerify();
    } catch {
      return reply.code(401).send({ error: "unauthorized" });
    }
  });
  await app.register(require("@fastify/rate-limit"), {
    max: 10_000_000,
    timeWindow: "15 minutes",
    redis,
    hook: "preHandler",
    keyGenerator: (request) => request.user.sub,
  });
  for (const [name, prefix] of settings.fastify_routes) {
    await app.register(require("@fastify/http-proxy"), {
      upstream: `http://127.0.0.1:${settings.upstreams[name]}`,
      prefix,
      rewritePrefix: prefix,
      http2: false,
      undici: { connections: 64, pipelining: 1 },
      replyOptions: {
        rewriteRequestHeaders: (request, headers) => ({ ...headers, "x-user-id": request.user.sub }),
        onResponse: (request, reply, answer) => {
          requests.inc({ service: name, status: reply.statusCode });
          reply.send(answer.stream);
        },
      },
    });
  }
  await app.listen({ port: settings.port, host: "127.0.0.1", backlog: 4096 });
}
main();
