-- scalars.lua - the smallest useful run: one curve, two curves in one chart, and a log beside them.
local logging = require "helios.core.logging"

logging.create_default_loggers()
logging.setup_default_loggers("scalars", "logs", "runs")
local log, tb = logging.get_root_logger(), logging.get_tensorboard_writer()

for step = 0, 99 do
  local x = step / 10
  tb:add_scalar("wave/damped", math.exp(-x / 5) * math.cos(x), step)
  tb:add_scalars("wave/pair", {sin = math.sin(x), cos = math.cos(x)}, step)
end
log:info("100 points of three curves are in %s", tb.run_path)
logging.close_default_loggers()
