-- deliver(call, lease_s, most, most_host, tries, host, …): claim up to `most` deliveries that are due, of one host at
-- most `most_host` with those that the named hosts are being sent; they are due again when the lease ends. Those whose
-- job is gone, or that were tried often enough, are dropped. Said again, it answers what it claimed before.
local call, lease, most, most_host, tries = unpack(ARGV)
local mine, due = KEY.delivering .. call, KEY.deliveries
local busy, claimed = {}, {}
for i = 6, #ARGV do busy[ARGV[i]] = (busy[ARGV[i]] or 0) + 1 end

local function take(name, delivery)
  local host, tried = unpack(redis.call('HMGET', delivery, 'host', 'tried'))
  if not host or redis.call('HEXISTS', job_key(string.match(name, '^(.*)/')), 'stages') == 0 then
    redis.call('ZREM', due, name)
    redis.call('DEL', delivery)
  elseif tonumber(tried) >= tonumber(tries) then
    redis.call('ZREM', due, name)
    redis.call('HSET', delivery, 'state', 'given_up')
  elseif (busy[host] or 0) < tonumber(most_host) then  -- mutant: deliveries per host
    busy[host] = (busy[host] or 0) + 1
    redis.call('ZREM', due, name)  -- while the memory is full, a script may not begin with an addition
    redis.call('ZADD', due, NOW + lease, name)  -- mutant: delivery lease
    redis.call('HINCRBY', delivery, 'tried', 1)
    redis.call('SADD', mine, name)
    redis.call('EXPIRE', mine, math.ceil(lease) + 1)
    return 1
  end
  return 0
end

if redis.call('EXISTS', mine) == 0 then
  local taken = 0
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', NOW, 'LIMIT', 0, 500)) do
    if taken >= tonumber(most) then break end
    taken = taken + take(name, KEY.delivery .. name)
  end
end
for _, name in ipairs(redis.call('SMEMBERS', mine)) do
  local delivery = redis.call('HGETALL', KEY.delivery .. name)
  if #delivery > 0 then claimed[#claimed + 1] = { name, delivery } end
end
return claimed
