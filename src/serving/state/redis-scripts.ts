import { createHash } from 'node:crypto';

/** Code that the server runs as one step, and the name under which it remembers it. */
export interface Script {
  code: string;
  sha: string;
}

function script(code: string): Script {
  return { code, sha: createHash('sha1').update(code).digest('hex') };
}

/**
 * Gives a state that is there or was just begun its epoch.
 *
 * KEYS meta. ARGV an epoch for a new state.
 * @returns the epoch
 */
export const JOIN = script(`
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
return redis.call('HGET', KEYS[1], 'epoch')`);

/**
 * Where the log stands.
 *
 * KEYS meta, log. ARGV id of the last entry that is known.
 * @returns epoch, number of the last change, whether the entry is there, and ids of the first and the last entry
 */
export const CHECK = script(`
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'n')
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local function id(entries) if entries[1] then return entries[1][1] end return '0-0' end
local known = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])
return {meta[1] or '', tonumber(meta[2] or '0'), #known, id(first), id(last)}`);

/**
 * Stores rows and tells everybody who follows the log, as one step: either all of it has happened or nothing.
 *
 * A row of items and users is a key and JSON, \`null\` for a removal; of events JSON alone. Entries of the log are numbered
 * without a gap (\`n\`) and say how many bytes came before (\`b\`), who wrote (\`w\`), which kind they are (\`k\`) and the rows (\`d\`).
 *
 * KEYS meta, items, users, forgotten, log, events.
 * ARGV epoch, number of the last change the writer knows, writer, kind, most entries, most bytes, most events, rows…
 * @returns \`ok\` with the numbers of the first and the last entry; \`epoch\` or \`behind\` where this is not the state that the writer knows
 */
export const WRITE = script(`
local meta, items, users, forgotten, log, events = unpack(KEYS)
local epoch, known, writer, kind = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local most_entries, most_bytes, most_events = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local state = redis.call('HMGET', meta, 'epoch', 'n', 'b')
if state[1] ~= epoch then return {'epoch', 0, 0} end
local n, bytes = tonumber(state[2] or '0'), tonumber(state[3] or '0')
if n < known then return {'behind', n, n} end
local first, rows, size = n + 1, {}, 0
local function text(number) return string.format('%.0f', number) end
local function flush()
  if #rows == 0 then return end
  n, bytes = n + 1, bytes + size
  local data = '[' .. table.concat(rows, ',') .. ']'
  redis.call('XADD', log, '*', 'n', text(n), 'b', text(bytes), 'w', writer, 'k', kind, 'd', data)
  rows, size = {}, 0
end
local function row(json)
  rows[#rows + 1] = json
  size = size + #json + 1
  if #rows >= 1000 or size >= 262144 then flush() end
end
if kind == 'e' then
  for i = 8, #ARGV do
    redis.call('XADD', events, 'MAXLEN', '~', most_events, '*', 'd', ARGV[i])
    row(ARGV[i])
  end
else
  local hash = kind == 'i' and items or users
  local newest
  for i = 8, #ARGV, 2 do
    local key, json = ARGV[i], ARGV[i + 1]
    redis.call('HSET', hash, key, json)
    if kind == 'u' and json == 'null' then
      if not newest then
        local last = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)
        newest = last[1] and last[1][1] or '0-0'
      end
      redis.call('HSET', forgotten, key, newest)
    end
    row('[' .. cjson.encode(key) .. ',' .. json .. ']')
  end
end
flush()
redis.call('HSET', meta, 'n', text(n), 'b', text(bytes))
redis.call('XTRIM', log, 'MAXLEN', '~', most_entries)
-- The oldest entry is long: it is looked at now and then.
if n % 16 <= n - first then
  local length = redis.call('XLEN', log)
  while length > 1 do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1][2]
    if bytes - tonumber(oldest[4]) <= most_bytes then break end
    length = length - math.max(1, math.floor(length / 16))
    redis.call('XTRIM', log, 'MAXLEN', length)
  end
end
return {'ok', first, n}`);
