-- Record the result of attempt number `tried` to deliver `name`: `attempt` is its JSON text, `state` the
-- delivery's state from now on. It is due again after wait_s seconds, if that is given. Refused (0) when the delivery
-- was claimed again since, or its job was erased.
allow_full_memory()
local delivery, due = KEY.delivery .. args.name, KEY.deliveries
if redis.call('HGET', delivery, 'tried') ~= args.tried then return { 0 } end  -- mutant: delivery fence
redis.call('ZREM', due, args.name)
redis.call('HSET', delivery, 'attempt:' .. args.tried, args.attempt, 'state', args.state)
if args.wait_s then redis.call('ZADD', due, NOW + args.wait_s, args.name) end
return { 1 }
