---The plugins of one fit or test, called in the order of their names. A plugin need not have every hook.
local M = {}

---@class helios.PluginList
---@field names string[]
---@field plugins table<string, helios.Plugin>
local PluginList = {}
PluginList.__index = PluginList

local BATCH_HOOKS <const> = {"process_training_batch", "process_validation_batch", "process_testing_batch"}

local function sorted_names(plugins)
  local names = {}
  for name, plugin in pairs(plugins) do
    if type(plugin) ~= "table" then
      error(("plugin '%s': expected a table, got a %s"):format(tostring(name), type(plugin)), 0)
    end
    names[#names + 1] = name
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

-- Two plugins would work on each other's batches in an order that nobody chose.
local function check_claims(list)
  for _, hook in ipairs(BATCH_HOOKS) do
    local claimed
    for name in list:having(hook) do
      if claimed then
        error(("plugins '%s' and '%s' both have %s: only one may change the batch"):format(claimed, name, hook), 0)
      end
      claimed = name
    end
  end
end

---@param plugins table<string, helios.Plugin>
---@return helios.PluginList raises when one is no table, or two want the same batch
function M.new(plugins)
  local list = setmetatable({names = sorted_names(plugins), plugins = plugins}, PluginList)
  check_claims(list)
  return list
end

---Walk the plugins that have a method.
---@param method string
---@return fun(): string?, helios.Plugin? next
function PluginList:having(method)
  local at = 0
  return function()
    repeat
      at = at + 1
      local name = self.names[at]
      if name == nil then return nil end
      if self.plugins[name][method] then return name, self.plugins[name] end
    until false
  end
end

---@param introduce fun(plugin: helios.Plugin) called for each before its `setup`
function PluginList:set_up(introduce)
  for _, name in ipairs(self.names) do
    local plugin = self.plugins[name]
    introduce(plugin)
    if plugin.setup then plugin:setup() end
  end
end

---@param hook string
---@param ... any what it is told
function PluginList:call(hook, ...)
  for _, plugin in self:having(hook) do plugin[hook](plugin, ...) end
end

---The batch as the one plugin that claims it wants it.
---@param hook string
---@param batch any
---@param detail any
---@return any
function PluginList:process(hook, batch, detail)
  local _, plugin = self:having(hook)()
  if not plugin then return batch end
  return plugin[hook](plugin, batch, detail)
end

---@return boolean
function PluginList:should_training_stop()
  for _, plugin in self:having "should_training_stop" do
    if plugin:should_training_stop() then return true end
  end
  return false
end

---@return table<string, table>? states by name; nil when there are none
function PluginList:state_dict()
  local states = {}
  for name, plugin in self:having "state_dict" do states[name] = plugin:state_dict() end
  return next(states) and states or nil
end

---@param states table<string, table>?
function PluginList:load_state_dict(states)
  for name, plugin in self:having "load_state_dict" do
    if states and states[name] ~= nil then plugin:load_state_dict(states[name]) end
  end
end

return M
