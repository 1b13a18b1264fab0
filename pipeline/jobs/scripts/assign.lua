-- assign(tenant/id, assignment, lasting_s, replace): write an assignment, a JSON object, that lasts at least that long.
-- Answers created, same (it is just so already), replaced, or, unless replace = 1, other: there is another one so called.
local name, assignment, ttl_s, replace = unpack(ARGV)
local record, tenant = KEY.assignment .. name, string.match(name, '^[^/]+')
local present, outcome = redis.call('HGET', record, 'assignment'), 'created'
if present == assignment then
  outcome = 'same'
elseif present then
  if replace ~= '1' then return { 'other' } end
  outcome = 'replaced'
end
redis.call('HSET', record, 'assignment', assignment)
redis.call('HSETNX', record, 'created_at', format_seconds(NOW))
local all = KEY.assignments .. tenant
redis.call('ZADD', all, 'NX', NOW, name)
extend_ttl({ all, record, KEY.handed_in .. name, KEY.open_submissions .. name, KEY.submissions .. name }, ttl_s)
redis.call('PUBLISH', KEY.changed, name)
return { outcome }
