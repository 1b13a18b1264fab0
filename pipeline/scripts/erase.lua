-- erase(tenant/session, tombstone_s): forget every turn; work in hand is refused afterwards. Answers the jobs' names.
local name, tombstone = ARGV[1], ARGV[2]
local jobs = redis.call('ZRANGE', P .. 'turns:' .. name, 0, -1)
for _, job in ipairs(jobs) do
  if redis.call('HEXISTS', key(job), 'road') == 1 then forget(job, tombstone) end
end
redis.call('DEL', P .. 'turns:' .. name, P .. 'open:' .. name, P .. 'session:' .. name)
return { jobs }
