-- Claim up to `limit` deliveries that are due, and of one host at most `host_limit`, those included that are being sent
-- to the hosts in `busy_hosts` (one entry each). They are due again after lease_s seconds. A delivery whose job is gone
-- is removed; one that was tried `attempts` times is given up. Called again (its answer was lost), `call` claims what it
-- claimed before. Returns names, and the fields of each delivery.
allow_full_memory()
local mine, due = KEY.delivering .. args.call, KEY.deliveries
local busy, claimed = {}, {}
for _, host in ipairs(args.busy_hosts) do busy[host] = (busy[host] or 0) + 1 end

local function claim(name, delivery)
  local host, tried = get_of(delivery, 'host'), get_of(delivery, 'tried')
  if not host or not string.match(tried or '', '^%d+$') or not has_record(string.match(name, '^(.*)/') or '') then
    redis.call('ZREM', due, name)
    redis.call('DEL', delivery)
  elseif tonumber(tried) >= args.attempts then
    redis.call('ZREM', due, name)
    redis.call('HSET', delivery, 'state', 'given_up')
  elseif (busy[host] or 0) < args.host_limit then  -- mutant: deliveries per host
    busy[host] = (busy[host] or 0) + 1
    redis.call('ZADD', due, NOW + args.lease_s, name)  -- mutant: delivery lease
    redis.call('HINCRBY', delivery, 'tried', 1)
    redis.call('SADD', mine, name)
    redis.call('EXPIRE', mine, math.ceil(args.lease_s) + 1)
    return 1
  end
  return 0
end

if redis.call('EXISTS', mine) == 0 then
  local count = 0
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', NOW, 'LIMIT', 0, 500)) do
    if count >= args.limit then break end
    count = count + claim(name, KEY.delivery .. name)
  end
end
for _, name in ipairs(redis.call('SMEMBERS', mine)) do
  local delivery = redis.pcall('HGETALL', KEY.delivery .. name)
  if not delivery.err and #delivery > 0 then claimed[#claimed + 1] = { name, delivery } end
end
return claimed
