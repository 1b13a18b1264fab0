-- Erase every job of a session, tenant/session, and the ledger of whoever is known by the session alone; results that
-- are still computed for them are refused afterwards. Returns the jobs' names, a lesson's turns and a job's tries among
-- them, and the same ones when `call` is made again because its answer was lost.
allow_full_memory()
local turns, erased = KEY.turns .. args.session, KEY.erased .. args.call
if redis.call('EXISTS', erased) == 0 and redis.call('EXISTS', turns) == 1 then
  redis.call('RENAME', turns, erased)
  redis.call('EXPIRE', erased, 60)
  redis.call('DEL', KEY.open_turns .. args.session, KEY.session .. args.session)
  local learner = string.gsub(args.session, '/', '/session-', 1)  -- identity.py has the same
  redis.call('DEL', KEY.ledger .. learner, KEY.ledger_times .. learner)
  for _, job in ipairs(redis.call('ZRANGE', erased, 0, -1)) do
    for _, turn in ipairs(redis.call('ZRANGE', KEY.lesson_turns .. job, 0, -1)) do redis.call('ZADD', erased, 0, turn) end
    for _, try in ipairs(redis.call('ZRANGE', KEY.tries .. job, 0, -1)) do redis.call('ZADD', erased, 0, try) end
    erase_anyway(job, args.tombstone_s, args.session)
  end
end
return { redis.call('ZRANGE', erased, 0, -1) }
