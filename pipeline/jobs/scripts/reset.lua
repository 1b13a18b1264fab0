-- Start a session, tenant/session, over: its earlier turns are not history any more, and unanswered ones are canceled
-- with `detail`. Returns 0 when the session does not exist, and the names of the jobs that `call` canceled.
allow_full_memory()
local session = KEY.session .. args.session
if redis.call('EXISTS', session) == 0 then return { 0, {} } end
local canceled, again = {}, redis.call('HGET', session, 'reset_by') == args.call
if not again then redis.call('DEL', KEY.open_turns .. args.session) end
for _, job in ipairs(redis.call('ZRANGE', KEY.turns .. args.session, 0, -1)) do
  -- mutant: reset cancels
  if get(job, 'canceled_by') == args.call or not again and cancel(job, args.detail, args.call) then
    canceled[#canceled + 1] = job
  end
end
if not again then redis.call('HSET', session, 'since', redis.call('HGET', session, 'seq'), 'reset_by', args.call) end
return { 1, canceled }
