-- erase(tenant/session, tombstone_s): forget every turn; work in hand is refused afterwards. Answers the jobs' names.
local name, tombstone = ARGV[1], ARGV[2]
local turns = P .. 'turns:' .. name
local jobs = redis.call('ZRANGE', turns, 0, -1)
redis.call('DEL', P .. 'open:' .. name, turns)
for _, job in ipairs(jobs) do
  if redis.call('HEXISTS', key(job), 'road') == 1 then
    unlease(job)
    redis.call('ZREM', P .. 'ready:' .. get(job, 'stage'), job)
    redis.call('ZREM', P .. 'deadlines', job)
    local tenant = get(job, 'tenant')
    redis.call('DEL', key(job))
    redis.call('HSET', key(job), 'tenant', tenant, 'erased', '1')
    redis.call('EXPIRE', key(job), tombstone)
    redis.call('PUBLISH', P .. 'changed', job)
  end
end
local session = P .. 'session:' .. name
if redis.call('EXISTS', session) == 1 then
  redis.call('HINCRBY', session, 'epoch', 1)
  redis.call('HSET', session, 'since', redis.call('HGET', session, 'seq'))
end
return { jobs }
