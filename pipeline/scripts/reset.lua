-- reset(tenant/session, detail): start over: earlier turns are history no more, unanswered ones are canceled.
-- Answers 0 when nothing was ever said in the session, and the names of the canceled jobs.
local name, detail = unpack(ARGV)
local session = P .. 'session:' .. name
if redis.call('EXISTS', session) == 0 then return { 0, {} } end
local canceled = {}
redis.call('DEL', P .. 'open:' .. name)
for _, job in ipairs(redis.call('ZRANGE', P .. 'turns:' .. name, 0, -1)) do
  if alive(job) then
    finish(job, failure(job, 'canceled', detail, false))
    canceled[#canceled + 1] = job
  end
end
redis.call('HSET', session, 'since', redis.call('HGET', session, 'seq'))
return { 1, canceled }
