-- delivered(delivery, tried, attempt, state, wait_s): write what came of the claim with this number; due again after
-- wait_s, unless that is empty. Refused (0) when it was claimed again since, or its job was erased.
local name, tried, attempt, state, wait_s = unpack(ARGV)
local delivery, due = KEY.delivery .. name, KEY.deliveries
if redis.call('HGET', delivery, 'tried') ~= tried then return { 0 } end  -- mutant: delivery fence
redis.call('ZREM', due, name)
redis.call('HSET', delivery, 'attempt:' .. tried, attempt, 'state', state)
if wait_s ~= '' then redis.call('ZADD', due, NOW + wait_s, name) end
return { 1 }
