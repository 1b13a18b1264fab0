-- Lease the first `limit` ready jobs of a stage to a worker, for lease_s seconds. Returns their names and records. A job
-- whose record cannot be read ends; one that a newer version has written is left to workers of that version.
-- A worker works on one batch at a time: jobs that it has leased before were given up, by this child or by one that
-- died, and are taken back (tried again, unless they were tried `attempts` times; too slow, if they ran for more than
-- stage_s seconds); unless `call` was made before and only its answer was lost.
-- A job that was tried before is claimed alone: if it is the one that kills its worker, the others of its batch live.
-- Jobs of two lanes are never claimed together: a learner who waits for an answer would also wait for a lesson's turns.
-- A lane whose jobs wait, and of which none was claimed for starvation_s seconds, is served next, however many jobs
-- faster lanes have.
allow_full_memory()
local stage, worker = args.stage, args.worker
local leased, jobs, served = KEY.leased .. worker, KEY.ready .. stage, KEY.served .. stage
local claims = {}
for _, job in ipairs(redis.call('SMEMBERS', leased)) do
  if not alive(job) or get(job, 'worker') ~= worker then
    redis.call('SREM', leased, job)
  elseif get(job, 'claim') == args.call then  -- mutant: claim token
    claims[#claims + 1] = { job, redis.call('HGETALL', job_key(job)) }
  else
    guarded(job, take_back, args.attempts, args.stage_s)
  end
end
if #claims > 0 then return { claims, ready_jobs } end

local function first_of_this_version(first, last)
  local offset = 0
  while true do
    local job = redis.call('ZRANGEBYSCORE', jobs, first, last, 'LIMIT', offset, 1)[1]
    if not job or not is_newer(job) then return job end  -- mutant: newer record
    offset = offset + 1
  end
end

local function next_job()
  for i = 2, #LANES do
    local job = first_of_this_version(LANE_START[LANES[i]], i < #LANES and '(' .. LANE_START[LANES[i + 1]] or '+inf')
    -- mutant: starved lane
    if job and NOW - (redis.call('HGET', served, LANES[i]) or NOW) > args.starvation_s then return job end
  end
  return first_of_this_version('-inf', '+inf')
end

-- Seconds for which rounds are kept when all of their jobs were claimed. There are rounds for each minute in which homework
-- is due, so many that they are not kept for long.
local IDLE_ROUNDS_S = { interactive = 3600, homework = 60, bulk = 3600 }

local function record_claim(score)  -- for its lane, and for the rounds in which the lane serves classes in turn
  record_served(lane_of(score), stage)
  local rounds, begin = fair_queue_at(stage, score)
  local round = math.floor(score - begin)
  if round > tonumber(redis.call('ZSCORE', rounds, 'now') or 0) then
    redis.call('ZREMRANGEBYSCORE', rounds, '-inf', round)  -- mutant: past rounds
    redis.call('ZADD', rounds, round, 'now')
    local latest = redis.call('ZREVRANGE', rounds, 0, 0)[1]
    if latest == 'now' then
      redis.call('EXPIRE', rounds, IDLE_ROUNDS_S[lane_of(score)])
    elseif redis.call('TTL', rounds) < 0 then
      redis.call('EXPIRE', rounds, 3600)
    end
  end
end

local batch, alone, lane = {}, false, nil
while #batch < args.limit and not alone do  -- mutant: tried job is claimed alone
  local job = next_job()
  if not job then break end
  if alive(job) and not is_readable(job) then
    redis.call('ZREM', jobs, job)
    end_unreadable(job)  -- mutant: unreadable record
  elseif alive(job) and get(job, 'stage') == stage then
    local job_lane = lane_of(number(job, 'score'))
    if #batch > 0 and job_lane ~= lane then break end
    lane = job_lane
    alone = number(job, 'attempts:' .. stage, 0) > 0
    if alone and #batch > 0 then break end  -- mutant: batch ends before tried job
    redis.call('ZREM', jobs, job)
    record_claim(number(job, 'score'))
    redis.call('HINCRBY', job_key(job), 'attempts:' .. stage, 1)
    redis.call('HINCRBY', job_key(job), 'fence', 1)
    redis.call('HSET', job_key(job), 'phase', 'running', 'worker', worker, 'claim', args.call, 'claimed_at', format_seconds(NOW),
      'waited:' .. stage, format_seconds(math.max(0, NOW - number(job, 'ready_at', NOW))))
    redis.call('SADD', leased, job)
    redis.call('EXPIRE', leased, 86400)
    redis.call('ZADD', KEY.leases, NOW + args.lease_s, job)
    publish_change(job)
    batch[#batch + 1] = job
  else
    redis.call('ZREM', jobs, job)
  end
end
for i, job in ipairs(batch) do
  redis.call('HSET', job_key(job), 'batch', #batch)
  claims[i] = { job, redis.call('HGETALL', job_key(job)) }
end
return { claims, ready_jobs }
