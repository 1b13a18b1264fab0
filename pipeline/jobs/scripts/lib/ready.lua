-- Which jobs may be claimed: stages, lanes, the order of turns, leases.
-- Part of what is prepended to every script: see records.lua.

local function following(job, stage)
  return string.match(',' .. (get(job, 'stages') or '') .. ',', ',' .. stage .. ',([^,]+)')
end

local function lane_of(score)
  for i = #LANES, 2, -1 do
    if score >= LANE_START[LANES[i]] then return LANES[i] end
  end
  return LANES[1]
end

-- The first ready job of a lane; nil when it has none.
local function first_ready(lane, stage)
  local jobs = KEY.ready .. stage
  local first, score = unpack(redis.call('ZRANGEBYSCORE', jobs, LANE_START[lane], '+inf', 'WITHSCORES', 'LIMIT', 0, 1))
  return first and lane_of(tonumber(score)) == lane and first or nil
end

local function record_served(lane, stage)
  redis.call('HSET', KEY.served .. stage, lane, format_seconds(NOW))
  redis.call('EXPIRE', KEY.served .. stage, 86400)
end

-- The order of a stage's ready jobs is their score: the lane, and for homework the minute in which it is due; within that
-- the round, and for interactive jobs, behind the point, the order of acceptance. In each round every class that waits has
-- one job (start-time fair queueing); a class is whoever is served in turn with others: of homework and bulk jobs the
-- class at school or the conversation, of interactive jobs the client's key, or the conversation where no keys are used.
-- Rounds are counted at each stage by itself, as each stage has a pace of its own.

-- The rounds of a stage at a score: the key that counts them, and the score at which they begin. Its member `now` is the
-- present round. A class is in it while a job of it waits for a later one, since it may have a job in the next round anyway.
local function fair_queue_at(stage, score)
  local lane = lane_of(score)
  local begin = LANE_START[lane]
  if lane == 'homework' then begin = begin + math.floor((score - begin) / SCORES_PER_MINUTE) * SCORES_PER_MINUTE end
  return KEY.fair_queue .. stage .. ':' .. string.format('%.0f', begin), begin
end

-- A class in these rounds. It is no name, since what is erased must not be named there.
local function fair_queue_member(tenant, group) return redis.sha1hex(tenant .. '/' .. group) end

-- The round in which a job of a class would be served if it became ready now. Interactive jobs of an earlier version had
-- the order of acceptance for a score: rounds are counted on from there.
local function next_round(stage, score, class)
  local rounds, begin = fair_queue_at(stage, score)
  local present = redis.call('ZSCORE', rounds, 'now') or begin == 0 and redis.call('GET', KEY.accepted) or 0
  return 1 + math.max(tonumber(redis.call('ZSCORE', rounds, class) or 0), tonumber(present)), tonumber(present)
end

-- The job's score at its stage. One that is ready there again, since its worker died, is in its earlier round.
local function score_at(job, stage)
  local score, class = number(job, 'score'), get(job, 'fair_class')
  if not class or get(job, 'scored_at') == stage then return score end
  local rounds, begin = fair_queue_at(stage, score)
  local round, present = next_round(stage, score, class)
  redis.call('ZADD', rounds, present, 'now', round, class)
  redis.call('EXPIRE', rounds, math.max(3600, math.ceil(number(job, 'deadline_at', NOW) - NOW)))
  score = begin + round + (begin == 0 and score % 1 or 0)
  redis.call('HSET', job_key(job), 'score', string.format('%.6f', score), 'scored_at', stage)
  return score
end

-- A job leaves the ready jobs of a stage unclaimed: its class has one job less to wait for.
local function leave_round(job, stage)
  local class, score = get(job, 'fair_class'), number(job, 'score')
  if not class or not score or get(job, 'scored_at') ~= stage then return end
  local rounds = fair_queue_at(stage, score)
  local last, present = redis.call('ZSCORE', rounds, class), redis.call('ZSCORE', rounds, 'now')
  if last and tonumber(last) > tonumber(present or 0) then redis.call('ZINCRBY', rounds, -1, class) end  -- mutant: canceled round
end

local function suspend(job, stage)
  redis.call('HSET', job_key(job), 'phase', 'waiting')
  if stage == 'hold' then  -- the teacher may review it for as long as answers are kept
    local until_ = NOW + number(job, 'retention', DEFAULT_RETENTION_S)
    redis.call('HSET', job_key(job), 'deadline_at', format_seconds(until_))
    redis.call('ZADD', KEY.deadlines, until_, job)
  end
  keep(job)
end

-- The turn of a session that the language model answers next; those whose records were lost are left out.
local function first_open_turn(job)
  local open = session_key(job, KEY.open_turns)
  while true do
    local first = redis.call('ZRANGE', open, 0, 0)[1]
    if not first or alive(first) then return first end  -- mutant: lost turn blocks nobody
    redis.call('ZREM', open, first)
  end
end

local function ready(job)
  local stage = get(job, 'stage')
  if stage == 'parts' and redis.call('EXISTS', KEY.unfinished_turns .. job) == 0 then  -- mutant: lesson goes on without turns
    stage = following(job, stage)
    redis.call('HSET', job_key(job), 'stage', stage)
  end
  if WAITING[stage] then return suspend(job, stage) end  -- mutant: held answer waits
  if stage == 'llm' then
    local first = first_open_turn(job)
    if first and first ~= job then  -- mutant: order of turns
      redis.call('HSET', job_key(job), 'phase', 'blocked')
      redis.call('SADD', KEY.blocked, job)
      return
    end
  end
  redis.call('SREM', KEY.blocked, job)
  local score = score_at(job, stage)
  local lane = lane_of(score)
  redis.call('HSET', job_key(job), 'phase', 'ready', 'ready_at', format_seconds(NOW))
  if not first_ready(lane, stage) then record_served(lane, stage) end  -- from now on its lane waits
  redis.call('ZADD', KEY.ready .. stage, string.format('%.6f', score), job)
  add_ready_job(job)
end

local function unblock_next_turn(job)  -- the turn is answered or ended: the next one of its session may begin
  redis.call('ZREM', session_key(job, KEY.open_turns), job)
  local following = first_open_turn(job)
  -- mutant: next turn goes on
  if following and get(following, 'phase') == 'blocked' and get(following, 'stage') == 'llm' then
    guarded(following, function()
      ready(following)
      publish_change(following)
    end)
  end
end

-- Let a blocked job begin whose session has no earlier turn any more, since that was lost.
local function unblock(job)
  if not alive(job) or get(job, 'phase') ~= 'blocked' then
    redis.call('SREM', KEY.blocked, job)
  elseif first_open_turn(job) == job then
    ready(job)
    publish_change(job)
  end
end

local function unlease(job)
  local worker = get(job, 'worker')
  redis.call('ZREM', KEY.leases, job)
  if worker then
    redis.call('SREM', KEY.leased .. worker, job)
    redis.call('HDEL', job_key(job), 'worker')
  end
end

-- The turn of a lesson has ended: when it is the last, the lesson goes on.
local function leave_lesson(job)
  local lesson = get(job, 'lesson')
  if not lesson then return end
  redis.call('SREM', KEY.unfinished_turns .. lesson, job)
  if alive(lesson) then
    guarded(lesson, function()
      -- mutant: lesson goes on after last turn
      if get(lesson, 'stage') == 'parts' and redis.call('EXISTS', KEY.unfinished_turns .. lesson) == 0 then ready(lesson) end
      publish_change(lesson)
    end)
  end
end

local function leave_ready(job)
  local stage = get(job, 'stage')
  for _, each in ipairs(stage and { stage } or WORKED_AT) do
    if redis.call('ZREM', KEY.ready .. each, job) == 1 then leave_round(job, each) end
  end
end

local function leave_indexes(job)
  unlease(job)  -- mutant: cancel breaks lease
  leave_lesson(job)
  leave_ready(job)
  redis.call('ZREM', KEY.deadlines, job)
  redis.call('SREM', KEY.blocked, job)
  redis.call('ZREM', KEY.unfinished .. tenant_of(job), job)
end
