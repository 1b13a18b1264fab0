-- Write the assignment `name`, tenant/id: `assignment` is its JSON text. It is kept for at least ttl_s seconds.
-- `school_class`, tenant/id, is the class that it is for, if any, which keeps `class_work`, a JSON text about it, longer.
-- Returns created, same (the same is stored already), replaced, or without writing anything, other: the id is taken by
-- another one, and there is no `replace`; or unknown_class.
local MAX_CLASS_WORK = 500  -- assignments that a class knows; the oldest make room
local record, tenant, id = KEY.assignment .. args.name, string.match(args.name, '^([^/]+)/(.*)$')
local present, outcome = redis.call('HGET', record, 'assignment'), 'created'
-- mutant: class of an assignment exists
if args.school_class and redis.call('EXISTS', KEY.class .. args.school_class) == 0 then return { 'unknown_class' } end
if present == args.assignment then
  outcome = 'same'
elseif present then
  if not args.replace then return { 'other' } end
  outcome = 'replaced'
end
redis.call('HSET', record, 'assignment', args.assignment)
redis.call('HSETNX', record, 'created_at', format_seconds(NOW))
leave_class(args.name, args.school_class)
if args.school_class then
  local work, times = KEY.class_work .. args.school_class, KEY.class_work_times .. args.school_class
  redis.call('HSET', record, 'class', args.school_class)
  redis.call('HSET', work, id, args.class_work)
  redis.call('ZADD', times, 'NX', NOW, id)
  local last = redis.call('ZCARD', times) - MAX_CLASS_WORK - 1
  for _, old in ipairs(last < 0 and {} or redis.call('ZRANGE', times, 0, last)) do
    redis.call('ZREM', times, old)
    redis.call('HDEL', work, old)
  end
end
local all = KEY.assignments .. tenant
redis.call('ZADD', all, 'NX', NOW, args.name)
keep_assignment(args.name, args.ttl_s)
redis.call('PUBLISH', KEY.changed, args.name)
return { outcome }
