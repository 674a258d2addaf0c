// Express as tutorials write it (BENCH_TUNED=0), and with what a profile of it asks for (BENCH_TUNED=1).
"use strict";
const crypto = require("node:crypto");
const http = require("node:http");
const express = require("express");
const { createProxyMiddleware } = require("http-proxy-middleware");
const { rateLimit } = require("express-rate-limit");
const { RedisStore } = require("rate-limit-redis");
const Redis = require("ioredis");
const jwt = require("jsonwebtoken");
const prom = require("prom-client");

const settings = JSON.parse(require("node:fs").readFileSync(process.argv[2], "utf8"));
const tuned = process.env.BENCH_TUNED === "1";
const redis = new Redis({ port: settings.valkey_port, host: "127.0.0.1", enableAutoPipelining: tuned });
const key = tuned ? crypto.createSecretKey(Buffer.from(settings.secret)) : settings.secret;
const requests = new prom.Counter({ name: "requests_total", help: "Requests", labelNames: ["service", "status"] });
const app = express();
app.disable("x-powered-by");
app.use((request, response, next) => {
  response.set({ "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer" });
  next();
});
app.use((request, response, next) => {
  const [scheme, token] = (request.headers.authorization || "").split(" ");
  if (scheme !== "Bearer") return response.status(401).json({ error: "unauthorized" });
  try {
    request.user = jwt.verify(token, key, { algorithms: ["HS256"], issuer: settings.issuer });
    next();
  } catch {
    response.status(401).json({ error: "unauthorized" });
  }
});
app.use(
  rateLimit({
    windowMs: 15 * 60 * 1000,
    limit: 10_000_000,
    standardHeaders: "draft-7",
    legacyHeaders: false,
    keyGenerator: (request) => request.user.sub,
    store: new RedisStore({ sendCommand: (...args) => redis.call(...args) }),
  }),
);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
for (const [name, prefix] of settings.routes) {
  const proxy = createProxyMiddleware({
    target: `http://127.0.0.1:${settings.upstreams[name]}`,
    ...(tuned || settings.keepalive ? { agent } : {}),
    pathFilter: (path) => new RegExp(prefix).test(path),
    on: {
      proxyReq: (out, request) => out.setHeader("x-user-id", request.user.sub),
      proxyRes: (answer) => requests.inc({ service: name, status: answer.statusCode }),
    },
  });
  app.use(proxy);
}
app.listen(settings.port, "127.0.0.1", 4096);
