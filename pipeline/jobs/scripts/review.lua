-- A teacher's review of a held answer: `feedback`, a JSON text, replaces the present one, if it is given, and `ledger` what
-- that adds to the learner's ledger; with `release` the answer is spoken, and must be within deadline_s seconds. Refused (0) when it is not held; called again (its answer
-- was lost) `call` is answered as before.
allow_full_memory()
local job = args.job
if get(job, 'reviewed_by') == args.call then
  if get(job, 'phase') == 'ready' then add_ready_job(job) end
  return { 1, ready_jobs }
end
if not alive(job) or get(job, 'stage') ~= 'hold' then return { 0, ready_jobs } end  -- mutant: only held jobs are reviewed
redis.call('HSET', job_key(job), 'reviewed_by', args.call)
if args.feedback then
  redis.call('HSET', job_key(job), 'feedback', args.feedback)
  redis.call('HDEL', job_key(job), 'ledger')
  if args.ledger then redis.call('HSET', job_key(job), 'ledger', args.ledger) end
end
if args.release then
  local deadline_at = NOW + args.deadline_s
  redis.call('HSET', job_key(job), 'stage', following(job, 'hold'), 'deadline_at', format_seconds(deadline_at))
  redis.call('ZADD', KEY.deadlines, deadline_at, job)
  ready(job)
end
keep(job)
publish_change(job)
return { 1, ready_jobs }
