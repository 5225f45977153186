-- binding.lua FOLDER - what a call from Lua costs; prints `kind lua call_ns cpu_ns` as core.c does.
local logging = require "helios.core.logging"
local tensor = require "helios.tensor"
local monotime = require "system".monotime

local folder = arg[1]
local RUNS <const> = 15

---Best of several runs, each with a writer and a logger of its own.
local function measure(kind, calls, prepare)
  local call, cpu = math.huge, math.huge
  for run = 1, RUNS do
    local tb, log = logging.TensorboardWriter(), logging.RootLogger()
    tb:setup(("%s/lua-%s-%d"):format(folder, kind, run))
    log:setup(("%s/lua-%s-%d.log"):format(folder, kind, run))
    local loop = prepare(tb, log)
    loop(1)
    tb:flush()
    local wall_start, cpu_start = monotime(), os.clock()
    loop(calls)
    call = math.min(call, monotime() - wall_start)
    tb:flush()
    log:flush()
    cpu = math.min(cpu, os.clock() - cpu_start)
    tb:close()
    log:close()
  end
  print(("%s\tlua\t%.1f\t%.1f"):format(kind, 1e9 * call / calls, 1e9 * cpu / calls))
end

measure("add_scalar", 200000, function(tb)
  return function(n) for i = 1, n do tb:add_scalar("loss/train", 0.5, i) end end
end)

measure("info", 200000, function(_, log)
  return function(n) for i = 1, n do log:info("epoch %d: loss %.4f", i, 0.5) end end
end)

measure("info_plain", 200000, function(_, log)
  return function(n) for _ = 1, n do log:info("epoch 12: loss 0.5000") end end
end)

measure("add_text", 200000, function(tb)
  local text = "sixty characters of Markdown, as a note on a step would be.."
  return function(n) for i = 1, n do tb:add_text("note", text, i) end end
end)

measure("add_histogram", 20, function(tb)
  local values = tensor.new({1000000})
  for i = 1, 1000000 do values:set(math.random() + math.random() - 1, i) end
  return function(n) for i = 1, n do tb:add_histogram("weights", values, i) end end
end)

-- One call after the first is in its file, as when a training loop logs an image now and then.
measure("add_image_photo", 1, function(tb)
  local file <close> = assert(io.open(folder .. "/photo.rgb", "rb"))
  local photo = tensor.from_bytes(file:read("a"), {3, 1080, 1920}, "uint8")
  return function(n) for i = 1, n do tb:add_image("photo", photo, i) end end
end)

measure("add_hparams", 5000, function(tb)
  local hparams = {lr = 0.1, momentum = 0.9, batch_size = 32, optimizer = "sgd", nesterov = true}
  local metrics = {accuracy = 0.98, loss = 0.05}
  return function(n) for i = 1, n do tb:add_hparams(hparams, metrics, {global_step = i}) end end
end)
