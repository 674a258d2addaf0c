-- nginx + Lua, the full job: token (HMAC by libcrypto, remembered), GCRA in Valkey (one EVALSHA), user header.
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

local remembered = require("resty.lrucache").new(4096)

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
  if not subject then
    ngx.status = 401
    ngx.say('{"error":"unauthorized"}')
    return ngx.exit(401)
  end
  local remaining, whole, allowed = limited(subject)
  ngx.header["RateLimit-Policy"] = '"general";q=' .. _M.count .. ';w=900'
  ngx.header["RateLimit"] = '"general";r=' .. remaining .. ';t=' .. math.ceil(whole / 1e6)
  if allowed == 0 then return ngx.exit(429) end
  ngx.req.set_header("X-User-Id", subject)
  ngx.req.clear_header("Authorization")
end

return _M
