-- nginx + Lua, the full job: token (HMAC by libcrypto, remembered), revocation, GCRA in Valkey (one EVALSHA), a signed
-- context for the service (remembered for 15 s), breaker and adaptive concurrency limit per service, trace context,
-- deadline, metrics by route and status with a histogram. One worker: all state is in its own tables, the cheapest way.
local ffi = require "ffi"
ffi.cdef [[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_len, const unsigned char *d, size_t n, unsigned char *out, unsigned int *out_len);
]]
local _M = {}
local out, out_length = ffi.new("unsigned char[64]"), ffi.new("unsigned int[1]")
local byte, sub, find, gsub = string.byte, string.sub, string.find, string.gsub

local function decode(text)
  text = gsub(gsub(text, "-", "+"), "_", "/")
  return ngx.decode_base64(text .. string.rep("=", -#text % 4))
end

local function verify(token)
  local dot = find(token, ".", 1, true)
  local last = dot and find(token, ".", dot + 1, true)
  if not last then return nil end
  local signed = sub(token, 1, last - 1)
  ffi.C.HMAC(ffi.C.EVP_sha256(), _M.secret, #_M.secret, signed, #signed, out, out_length)
  if ffi.string(out, 32) ~= decode(sub(token, last + 1)) then return nil end
  local payload = decode(sub(token, dot + 1, last - 1))
  local expires = tonumber(string.match(payload, '"exp":(%d+)'))
  if not expires or expires < ngx.time() then return nil end
  return string.match(payload, '"sub":"([^"]+)"'), expires
end

local lru = require "resty.lrucache"
local remembered, contexts, revoked = lru.new(4096), lru.new(4096), {}

local services = setmetatable({}, { __index = function(all, name)
  local service = { open_until = 0, calls = 0, failed = 0, slow = 0, since = 0, inflight = 0, limit = 64, best = 1e9, sum = 0, n = 0 }
  rawset(all, name, service)
  return service
end })
local bounds = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 }
local metrics = setmetatable({}, { __index = function(all, name)
  local made = { statuses = { 0, 0, 0, 0, 0 }, buckets = {}, seconds = 0 }
  for at = 1, #bounds + 1 do made.buckets[at] = 0 end
  rawset(all, name, made)
  return made
end })

local function context(subject)
  local known = contexts:get(subject)
  if known then return known end
  local now = ngx.time()
  local payload = ngx.encode_base64('{"iss":"gateway","iat":' .. now .. ',"exp":' .. now + 30 .. ',"sub":"' .. subject .. '"}')
  ffi.C.HMAC(ffi.C.EVP_sha256(), _M.secret, #_M.secret, payload, #payload, out, out_length)
  local signed = payload .. "." .. ngx.encode_base64(ffi.string(out, 32))
  contexts:set(subject, signed, 15)
  return signed
end

local function settle(service, status, seconds)
  local now = ngx.now()
  if now - service.since > 10 then service.calls, service.failed, service.slow, service.since = 0, 0, 0, now end
  service.calls = service.calls + 1
  if status >= 500 then service.failed = service.failed + 1 end
  if seconds > 5 then service.slow = service.slow + 1 end
  if service.calls >= 20 and (service.failed >= service.calls * 0.5 or service.slow >= service.calls * 0.8) then
    service.open_until = now + 5
  end
  service.inflight = service.inflight - 1
  service.sum, service.n = service.sum + seconds, service.n + 1
  if service.n == 64 then
    local mean = service.sum / 64
    service.best = math.min(service.best, mean)
    local gradient = math.max(0.5, math.min(1, 1.5 * service.best / math.max(mean, 1e-6)))
    service.limit = math.min(1024, math.max(20, 0.8 * service.limit + 0.2 * (service.limit * gradient + math.sqrt(service.limit))))
    service.sum, service.n = 0, 0
  end
end

local function user()
  local header = ngx.var.http_authorization
  if not header or sub(header, 1, 7) ~= "Bearer " then return nil end
  local token = sub(header, 8)
  local known = remembered:get(token)
  if known then return known end
  local subject, expires = verify(token)
  if subject then remembered:set(token, subject, expires - ngx.time()) end
  return subject
end

local function limited(subject)
  local socket = ngx.socket.tcp()
  socket:settimeout(500)
  if not socket:connect("127.0.0.1", _M.port, { pool_size = 128 }) then return 0, 0 end
  local key = "limit:general:" .. subject
  local function send(name, body)
    return socket:send("*8\r\n$" .. #name .. "\r\n" .. name .. "\r\n$" .. #body .. "\r\n" .. body .. "\r\n$1\r\n1\r\n$" ..
      #key .. "\r\n" .. key .. "\r\n$1\r\ng\r\n$" .. #_M.interval .. "\r\n" .. _M.interval .. "\r\n$" .. #_M.count .. "\r\n" ..
      _M.count .. "\r\n$0\r\n\r\n")
  end
  send("EVALSHA", _M.sha)
  local line = socket:receive()
  if line and sub(line, 1, 9) == "-NOSCRIPT" then
    send("EVAL", _M.script)
    line = socket:receive()
  end
  local numbers = {}
  for i = 1, 4 do numbers[i] = tonumber(sub(socket:receive() or ":0", 2)) end
  socket:setkeepalive(60000, 128)
  return numbers[2], numbers[4], numbers[1]
end

function _M.access()
  local subject = user()
  if not subject or revoked[subject] then
    ngx.status = 401
    ngx.say('{"error":"unauthorized"}')
    return ngx.exit(401)
  end
  local remaining, whole, allowed = limited(subject)
  ngx.header["RateLimit-Policy"] = '"general";q=' .. _M.count .. ';w=900'
  ngx.header["RateLimit"] = '"general";r=' .. remaining .. ';t=' .. math.ceil(whole / 1e6)
  if allowed == 0 then return ngx.exit(429) end
  local service = services[ngx.var.service]
  if service.open_until > ngx.now() or service.inflight >= service.limit * 0.9 then return ngx.exit(503) end
  service.inflight = service.inflight + 1
  ngx.ctx.service = service
  ngx.req.set_header("X-Meridian-Context", context(subject))
  ngx.req.set_header("X-Meridian-Deadline", "15000")
  ngx.req.clear_header("X-User-Id")
  ngx.req.clear_header("Authorization")
  local trace = ngx.var.http_traceparent
  if not trace or not ngx.re.find(trace, "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", "jo") then
    ngx.req.set_header("traceparent", string.format("00-%016x%016x-%016x-00", math.random(2 ^ 52), math.random(2 ^ 52), math.random(2 ^ 52)))
  end
end

function _M.log()
  local status, seconds = ngx.status, ngx.now() - ngx.req.start_time()
  local service = ngx.ctx.service
  if service then settle(service, status, seconds) end
  local route = metrics[ngx.var.service]
  local class = math.floor(status / 100)
  route.statuses[class] = route.statuses[class] + 1
  route.seconds = route.seconds + seconds
  local at = 1
  while at <= #bounds and seconds > bounds[at] do at = at + 1 end
  route.buckets[at] = route.buckets[at] + 1
end

return _M
