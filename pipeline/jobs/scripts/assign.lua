-- assign(tenant/id, assignment, lasting_s, replace): write an assignment, a JSON object, that lasts at least that long.
-- Answers created, same (it is just so already), replaced, or, unless replace = 1, other: there is another one so called.
local name, assignment, lasting, replace = unpack(ARGV)
local record, tenant = P .. 'assignment:' .. name, string.match(name, '^[^/]+')
local present, outcome = redis.call('HGET', record, 'assignment'), 'created'
if present == assignment then
  outcome = 'same'
elseif present then
  if replace ~= '1' then return { 'other' } end
  outcome = 'replaced'
end
redis.call('HSET', record, 'assignment', assignment)
redis.call('HSETNX', record, 'created_at', stamp(NOW))
local all = P .. 'assignments:' .. tenant
redis.call('ZADD', all, 'NX', NOW, name)
outlast({ all, record, P .. 'handed-in:' .. name, P .. 'open-work:' .. name, P .. 'work:' .. name }, lasting)
redis.call('PUBLISH', P .. 'changed', name)
return { outcome }
