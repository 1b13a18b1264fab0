-- unassign(tenant/id, tombstone_s, call): forget an assignment and every job that was handed in for it. Answers the jobs'
-- names, the same ones when `call` is made again because its answer was lost.
local name, tombstone, call = unpack(ARGV)
local work, erased = KEY.submissions .. name, KEY.erased .. call
if redis.call('EXISTS', erased) == 0 then
  redis.call('DEL', KEY.assignment .. name)
  redis.call('ZREM', KEY.assignments .. string.match(name, '^[^/]+'), name)
  if redis.call('EXISTS', work) == 1 then
    redis.call('RENAME', work, erased)
    redis.call('EXPIRE', erased, 60)
    for _, job in ipairs(redis.call('ZRANGE', erased, 0, -1)) do
      if redis.call('HEXISTS', job_key(job), 'stages') == 1 then erase_job(job, tombstone) end
    end
  end
  redis.call('DEL', KEY.handed_in .. name, KEY.open_submissions .. name)
end
return { redis.call('ZRANGE', erased, 0, -1) }
