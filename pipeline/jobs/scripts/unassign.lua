-- unassign(tenant/id, tombstone_s, call): forget an assignment and every job that was handed in for it. Answers the jobs'
-- names, the same ones when `call` is made again because its answer was lost.
local name, tombstone, call = unpack(ARGV)
local work, erased = P .. 'work:' .. name, P .. 'erased:' .. call
if redis.call('EXISTS', erased) == 0 then
  redis.call('DEL', P .. 'assignment:' .. name)
  redis.call('ZREM', P .. 'assignments:' .. string.match(name, '^[^/]+'), name)
  if redis.call('EXISTS', work) == 1 then
    redis.call('RENAME', work, erased)
    redis.call('EXPIRE', erased, 60)
    for _, job in ipairs(redis.call('ZRANGE', erased, 0, -1)) do
      if redis.call('HEXISTS', key(job), 'stages') == 1 then forget(job, tombstone) end
    end
  end
  redis.call('DEL', P .. 'handed-in:' .. name, P .. 'open-work:' .. name)
end
return { redis.call('ZRANGE', erased, 0, -1) }
