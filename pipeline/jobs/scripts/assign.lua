-- Write the assignment `name`, tenant/id: `assignment` is its JSON text. It is kept for at least ttl_s seconds.
-- Returns created, same (the same is stored already), replaced, or, without `replace`, other: the id is taken by
-- another one.
local record, tenant = KEY.assignment .. args.name, string.match(args.name, '^[^/]+')
local present, outcome = redis.call('HGET', record, 'assignment'), 'created'
if present == args.assignment then
  outcome = 'same'
elseif present then
  if not args.replace then return { 'other' } end
  outcome = 'replaced'
end
redis.call('HSET', record, 'assignment', args.assignment)
redis.call('HSETNX', record, 'created_at', format_seconds(NOW))
local all = KEY.assignments .. tenant
redis.call('ZADD', all, 'NX', NOW, args.name)
keep_assignment(args.name, args.ttl_s)
redis.call('PUBLISH', KEY.changed, args.name)
return { outcome }
