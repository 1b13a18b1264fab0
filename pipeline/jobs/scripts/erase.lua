-- erase(tenant/session, tombstone_s, call): forget every turn; work in hand is refused afterwards. Answers the jobs'
-- names, a lesson's turns among them, and the same ones when `call` is made again because its answer was lost.
local name, tombstone, call = unpack(ARGV)
local turns, erased = KEY.turns .. name, KEY.erased .. call
if redis.call('EXISTS', erased) == 0 and redis.call('EXISTS', turns) == 1 then
  redis.call('RENAME', turns, erased)
  redis.call('EXPIRE', erased, 60)
  for _, job in ipairs(redis.call('ZRANGE', erased, 0, -1)) do
    for _, turn in ipairs(redis.call('ZRANGE', KEY.lesson_turns .. job, 0, -1)) do redis.call('ZADD', erased, 0, turn) end
    if redis.call('HEXISTS', job_key(job), 'stages') == 1 then erase_job(job, tombstone) end
  end
  redis.call('DEL', KEY.open_turns .. name, KEY.session .. name)
end
return { redis.call('ZRANGE', erased, 0, -1) }
