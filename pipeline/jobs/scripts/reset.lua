-- reset(tenant/session, detail, call): start over: earlier turns are history no more, unanswered ones are canceled.
-- Answers 0 when nothing was ever said in the session, and the names of the jobs that `call` canceled.
local name, detail, call = unpack(ARGV)
local session = KEY.session .. name
if redis.call('EXISTS', session) == 0 then return { 0, {} } end
local canceled, again = {}, redis.call('HGET', session, 'reset_by') == call
if not again then redis.call('DEL', KEY.open_turns .. name) end
for _, job in ipairs(redis.call('ZRANGE', KEY.turns .. name, 0, -1)) do
  -- mutant: reset cancels
  if get(job, 'canceled_by') == call or not again and cancel(job, detail, call) then canceled[#canceled + 1] = job end
end
if not again then redis.call('HSET', session, 'since', redis.call('HGET', session, 'seq'), 'reset_by', call) end
return { 1, canceled }
