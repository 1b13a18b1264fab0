-- Erase the assignment `name`, tenant/id, and every job that was handed in for it. Returns the jobs' names, their tries
-- among them, and the same ones when `call` is made again because its answer was lost. The next sweep enqueues turns that
-- waited for one of them.
allow_full_memory()
local submissions, erased = KEY.submissions .. args.name, KEY.erased .. args.call
if redis.call('EXISTS', erased) == 0 then
  local has_submissions = redis.call('EXISTS', submissions) == 1
  if has_submissions then redis.call('RENAME', submissions, erased) end
  leave_class(args.name)  -- mutant: erased assignment leaves its class
  remove_assignment(args.name)
  if has_submissions then
    redis.call('EXPIRE', erased, 60)
    for _, job in ipairs(redis.call('ZRANGE', erased, 0, -1)) do
      for _, try in ipairs(redis.call('ZRANGE', KEY.tries .. job, 0, -1)) do redis.call('ZADD', erased, 0, try) end
      erase_anyway(job, args.tombstone_s, nil, args.name)
    end
  end
end
return { redis.call('ZRANGE', erased, 0, -1) }
