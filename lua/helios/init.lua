---All public modules of Helios, each loaded when it is first asked for.
--
--     local helios = require "helios"
--     helios.logging.create_default_loggers()
-- @module helios

---Where each name comes from: a module, or a field of one.
local SOURCES = {
  logging = {"helios.core.logging"},
  distributed = {"helios.core.distributed"},
  tensor = {"helios.tensor"},
  figure = {"helios.figure"},
  graph = {"helios.graph"},
  reader = {"helios.reader"},
  rng = {"helios.rng"},
  trainer = {"helios.trainer"},
  model = {"helios.model"},
  data = {"helios.data"},
  plugin = {"helios.plugin"},
  checkpoint = {"helios.checkpoint"},
  progress = {"helios.progress"},
  Trainer = {"helios.trainer"},
  Model = {"helios.model"},
  Plugin = {"helios.plugin"},
  EMA = {"helios.plugins.ema"},
  DataModule = {"helios.data", "DataModule"},
  DataLoader = {"helios.data", "DataLoader"},
  ResumableRandomSampler = {"helios.data", "ResumableRandomSampler"},
  ResumableSequentialSampler = {"helios.data", "ResumableSequentialSampler"},
  ResumableDistributedSampler = {"helios.data", "ResumableDistributedSampler"},
  find_last_checkpoint = {"helios.checkpoint", "find_last_checkpoint"},
}

local CORE_SOURCES = {
  logging = {"helios.core.logging"},
  distributed = {"helios.core.distributed"},
}

---A table that loads its fields when they are asked for, by name or by `pairs`.
local function lazily(sources, fields)
  return setmetatable(fields, {
    __index = function(self, name)
      local source = sources[name]
      if not source then return nil end
      local value = require(source[1])
      if source[2] then value = value[source[2]] end
      self[name] = value
      return value
    end,
    __pairs = function(self) -- whoever looks at all of them gets them all
      for name in next, sources do assert(self[name]) end
      return next, self
    end,
  })
end

---@class helios
---@field core {logging: table, distributed: table}
---@field logging table
---@field _VERSION string
return lazily(SOURCES, {
  _VERSION = "Helios " .. require("helios.native").version,
  core = lazily(CORE_SOURCES, {}),
})
