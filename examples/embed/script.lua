-- script.lua - the part of the work that is easier to change than the program around it (host.c).
local logging = require "helios.core.logging"

logging.create_default_loggers()
logging.setup_default_loggers("embedded", "logs", "runs")
local log, tb = logging.get_root_logger(), logging.get_tensorboard_writer()
log:info("the script writes to %s", tb.run_path)
print(tb.run_path)

local position, velocity = 1.0, 0.0

---One step of a damped spring.
return function(step)
  velocity = 0.995 * velocity - 0.01 * position
  position = position + velocity
  tb:add_scalar("spring/position", position, step)
end
