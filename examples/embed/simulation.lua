-- simulation.lua - what simulation.c computes, and what is recorded of it.
local logging = require "helios.core.logging"

logging.create_default_loggers()
logging.setup_default_loggers("plate", "logs", "runs")
local log, tb = logging.get_root_logger(), logging.get_tensorboard_writer()
log:info("a plate of 64 x 64; the run is %s", tb.run_path)
print(tb.run_path)

local function mean(field)
  local sum = 0
  for _, row in ipairs(field:totable()) do
    for _, value in ipairs(row) do sum = sum + value end
  end
  return sum / field:numel()
end

return {
  size = 64, diffusion = 0.2, steps = 400, every = 50,
  observe = function(step, field)
    local warmth = mean(field)
    tb:add_scalar("plate/mean", warmth, step)
    tb:add_histogram("plate/cells", field, step)
    tb:add_image("plate", field, step, "HW")
    log:info("step %d: %.5f on average", step, warmth)
    return warmth < 0.5
  end,
}
