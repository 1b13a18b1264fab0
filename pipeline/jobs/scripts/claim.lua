-- claim(stage, worker, token, most, lease_s, attempts, stage_s, starved_s): lease the first `most` ready jobs of the stage.
-- A worker does one thing at a time: what it still holds was given up, by this child or by one that died, and is taken
-- back; unless this very call (its token) was made before and only its answer was lost.
-- A job that was tried before is claimed alone: if it is the one that kills its worker, the others of its batch live.
-- Jobs of two lanes are never claimed together: who waits for an answer would wait for a lesson's turns as well.
-- A lane that waits, and of which nothing was claimed for starved_s, has the next turn, however much is in faster ones.
local stage, worker, token, most, lease, attempts, stage_s, starved_s = unpack(ARGV)
local leased, line, served = KEY.leased .. worker, KEY.ready .. stage, KEY.served .. stage
local claims = {}
for _, job in ipairs(redis.call('SMEMBERS', leased)) do
  if not alive(job) or get(job, 'worker') ~= worker then
    redis.call('SREM', leased, job)
  elseif get(job, 'claim') == token then  -- mutant: claim token
    claims[#claims + 1] = redis.call('HGETALL', job_key(job))
  else
    take_back(job, attempts, stage_s)
  end
end
if #claims > 0 then return { claims, ready_jobs } end

local function first()
  for i = 2, #LANES do
    local waits = first_ready(LANES[i], stage)
    -- mutant: starved lane
    if waits and NOW - (redis.call('HGET', served, LANES[i]) or NOW) > tonumber(starved_s) then return waits end
  end
  return redis.call('ZRANGE', line, 0, 0)[1]
end

local function record_turn(score)  -- of its lane, and of the rounds in which classes take turns there
  record_served(lane_of(score), stage)
  local rounds, begin = fair_queue_at(score)
  if begin > 0 and score - begin > tonumber(redis.call('HGET', rounds, 'now') or 0) then
    redis.call('HSET', rounds, 'now', string.format('%.0f', score - begin))
    if redis.call('TTL', rounds) < 0 then redis.call('EXPIRE', rounds, 86400) end
  end
end

local batch, alone, lane = {}, false, nil
while #batch < tonumber(most) and not alone do  -- mutant: tried job is claimed alone
  local job = first()
  if not job then break end
  if alive(job) and get(job, 'stage') == stage then
    local own = lane_of(tonumber(get(job, 'score')))
    if #batch > 0 and own ~= lane then break end
    lane = own
    alone = tonumber(get(job, 'attempts:' .. stage) or 0) > 0
    if alone and #batch > 0 then break end  -- mutant: batch ends before tried job
    redis.call('ZREM', line, job)
    record_turn(tonumber(get(job, 'score')))
    redis.call('HINCRBY', job_key(job), 'attempts:' .. stage, 1)
    redis.call('HINCRBY', job_key(job), 'fence', 1)
    redis.call('HSET', job_key(job), 'phase', 'running', 'worker', worker, 'claim', token, 'claimed_at', format_seconds(NOW),
      'waited:' .. stage, format_seconds(NOW - get(job, 'ready_at')))
    redis.call('SADD', leased, job)
    redis.call('EXPIRE', leased, 86400)
    redis.call('ZADD', KEY.leases, NOW + lease, job)
    publish_change(job)
    batch[#batch + 1] = job
  else
    redis.call('ZREM', line, job)
  end
end
for i, job in ipairs(batch) do
  redis.call('HSET', job_key(job), 'batch', #batch)
  claims[i] = redis.call('HGETALL', job_key(job))
end
return { claims, ready_jobs }
