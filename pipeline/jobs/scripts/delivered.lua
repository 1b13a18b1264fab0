-- Record the result of attempt number `tried` to deliver `name`: `attempt` is its JSON text, `state` the
-- delivery's state from now on. It is due again after wait_s seconds, if that is given. Refused (0) when the delivery
-- was claimed again since, or its job was erased.
allow_full_memory()
local ANSWERING_S = 600  -- for which a receiver counts as one that answers
local delivery = KEY.delivery .. args.name
if redis.call('HGET', delivery, 'tried') ~= args.tried then return { 0 } end  -- mutant: delivery fence
local host = redis.call('HGET', delivery, 'host')
local answering = KEY.answering .. tenant_of(args.name) .. '/' .. host
if args.state == 'delivered' then redis.call('SET', answering, '1', 'EX', ANSWERING_S) else redis.call('DEL', answering) end
redis.call('HSET', delivery, 'attempt:' .. args.tried, args.attempt, 'state', args.state)
if args.wait_s then set_due(args.name, host, NOW + args.wait_s) else remove_due(args.name, host) end
return { 1 }
