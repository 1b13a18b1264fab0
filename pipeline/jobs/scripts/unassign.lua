-- Erase the assignment `name`, tenant/id, and every job that was handed in for it. Returns the jobs' names, the same ones
-- when `call` is made again because its answer was lost.
local submissions, erased = KEY.submissions .. args.name, KEY.erased .. args.call
if redis.call('EXISTS', erased) == 0 then
  redis.call('DEL', KEY.assignment .. args.name)
  redis.call('ZREM', KEY.assignments .. string.match(args.name, '^[^/]+'), args.name)
  if redis.call('EXISTS', submissions) == 1 then
    redis.call('RENAME', submissions, erased)
    redis.call('EXPIRE', erased, 60)
    for _, job in ipairs(redis.call('ZRANGE', erased, 0, -1)) do
      if redis.call('HEXISTS', job_key(job), 'stages') == 1 then erase_job(job, args.tombstone_s) end
    end
  end
  redis.call('DEL', KEY.handed_in .. args.name, KEY.open_submissions .. args.name)
end
return { redis.call('ZRANGE', erased, 0, -1) }
