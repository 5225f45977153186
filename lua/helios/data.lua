---Datasets, the order in which they are walked, and batches.
---
---A dataset is any object with `#` (or `len()`) and `get(i)` or `[i]`, i from 1. The order of an epoch depends on the
---seed and the epoch alone, and a sampler can begin at any batch of it: that is what makes resuming exact.
local distributed = require "helios.core.distributed"
local options_of = require("helios.core.options").read
local overriding = require "helios.core.overriding"
local rng = require "helios.rng"

local M = {}

local function fail(func, name, reason, level)
  error(("%s: argument '%s': %s"):format(func, name, reason), level + 1)
end

local function check_integer(func, name, value, lowest, level)
  local n = math.type(value) and math.tointeger(value)
  if not n then fail(func, name, "expected an integer, got " .. tostring(value), level + 1) end
  if n < lowest then fail(func, name, ("must be at least %d, got %d"):format(lowest, n), level + 1) end
  return n
end

-- Datasets -----------------------------------------------------------------------------------------------------------

local function has_method(object, name)
  if type(object) ~= "table" and type(object) ~= "userdata" then return false end
  local found, method = pcall(function() return object[name] end)
  return found and type(method) == "function"
end

---@return integer? length nil when it is no dataset
---@return string? reason
local function length_of(dataset)
  local length
  if has_method(dataset, "len") then
    length = dataset:len()
  else
    local ok, n = pcall(function() return #dataset end)
    length = ok and n or nil
  end
  local n = math.type(length) and math.tointeger(length)
  if n and n >= 1 then return n end
  local got = n and "an empty one" or "a " .. type(dataset)
  return nil, "expected an object with # (or len()) of at least 1, got " .. got
end

---How many samples a dataset has.
---@param dataset any
---@return integer
function M.dataset_length(dataset)
  local length, reason = length_of(dataset)
  if not length then fail("dataset_length", "dataset", reason, 2) end
  return length
end

local function sample_reader(dataset)
  if has_method(dataset, "get") then
    return function(i) return dataset:get(i) end
  end
  return function(i) return dataset[i] end
end

-- Samplers -----------------------------------------------------------------------------------------------------------

---Gives the indices of an epoch's samples in order. Samplers of your own need these fields and methods.
---@class helios.Sampler
---@field start_iter integer batches of the epoch that are left out, because they were seen before a restart; 0
---@field batch_size integer samples per batch, to turn `start_iter` into samples
---@field epoch integer
local Sampler = {start_iter = 0, epoch = 0}
Sampler.__index = Sampler
Sampler.__name = "helios.Sampler"

---Choose the epoch whose order `indices` gives.
---@param epoch integer counted from 0
function Sampler:set_epoch(epoch)
  self.epoch = check_integer("set_epoch", "epoch", epoch, 0, 2)
end

---How many samples a whole epoch has.
---@return integer
function Sampler:len()
  return self.count
end

Sampler.__len = Sampler.len

---The indices of this epoch, from the first sample of batch `start_iter` on.
---@return integer[]
function Sampler:indices()
  local all = self:order()
  local skipped = check_integer("indices", "start_iter", self.start_iter, 0, 2) * self.batch_size
  return skipped == 0 and all or table.move(all, skipped + 1, #all, 1, {})
end

-- Far apart for neighbouring seeds and epochs, unlike their sum.
local function epoch_generator(seed, epoch)
  return rng.new(seed + epoch * 0x2545F4914F6CDD1D)
end

local function sequence(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

-- The sampler that was asked for by `call`. Errors are told in the line of the caller of the function that calls this,
-- which must not be a tail call.
local function new_sampler(class, call, defaults, given)
  local self = setmetatable(given, class)
  for name, value in pairs(defaults) do
    if self[name] == nil then self[name] = value end
  end
  local length, reason = length_of(self.dataset)
  if not length then fail(call.name, "dataset", reason, 3) end
  self.count = length
  self.batch_size = check_integer(call.name, "batch_size", self.batch_size, 1, 3)
  if self.seed then self.seed = check_integer(call.name, "seed", self.seed, math.mininteger, 3) end
  return self
end

local function subclass(name)
  local class = setmetatable({__name = name, __len = Sampler.len}, {__index = Sampler})
  class.__index = class
  return class
end

local RandomSampler = subclass("helios.ResumableRandomSampler")

function RandomSampler:order()
  return epoch_generator(self.seed, self.epoch):permutation(self.count)
end

local RANDOM_CALL <const> = {
  name = "ResumableRandomSampler", required = 1, positional = 3, names = {"dataset", "seed", "batch_size"}, types = {},
}

---Every sample once, in an order of the epoch's own.
---@param dataset any
---@param seed? integer|{seed: integer?, batch_size: integer?} 0
---@param batch_size? integer 1; a loader sets it to its own
---@return helios.Sampler
function M.ResumableRandomSampler(dataset, seed, batch_size)
  local given = options_of(RANDOM_CALL, dataset, seed, batch_size)
  return (new_sampler(RandomSampler, RANDOM_CALL, {seed = 0, batch_size = 1}, given))
end

local SequentialSampler = subclass("helios.ResumableSequentialSampler")

function SequentialSampler:order()
  return sequence(self.count)
end

local SEQUENTIAL_CALL <const> = {
  name = "ResumableSequentialSampler", required = 1, positional = 2, names = {"dataset", "batch_size"}, types = {},
}

---Every sample once, from the first to the last.
---@param dataset any
---@param batch_size? integer|{batch_size: integer?} 1; a loader sets it to its own
---@return helios.Sampler
function M.ResumableSequentialSampler(dataset, batch_size)
  local given = options_of(SEQUENTIAL_CALL, dataset, batch_size)
  return (new_sampler(SequentialSampler, SEQUENTIAL_CALL, {batch_size = 1}, given))
end

local DistributedSampler = subclass("helios.ResumableDistributedSampler")

-- The same list on every rank, made as long as the ranks need: cut with drop_last, else filled up from its beginning.
function DistributedSampler:shared_order()
  local order = self.shuffle and epoch_generator(self.seed, self.epoch):permutation(self.samples)
    or sequence(self.samples)
  for i = self.samples + 1, self.count * self.num_replicas do order[i] = order[(i - 1) % self.samples + 1] end
  return order
end

function DistributedSampler:order()
  local shared, mine = self:shared_order(), {}
  for i = 1, self.count do mine[i] = shared[(i - 1) * self.num_replicas + self.rank + 1] end
  return mine
end

local DISTRIBUTED_CALL <const> = {
  name = "ResumableDistributedSampler", required = 1, positional = 7,
  names = {"dataset", "num_replicas", "rank", "shuffle", "seed", "drop_last", "batch_size"},
  types = {shuffle = "boolean", drop_last = "boolean"},
}

---One rank's part of an epoch: the ranks' parts are equally long and disjoint. When the samples do not divide evenly,
---the last ones are left out (`drop_last`) or a few from the beginning are taken twice.
---@param dataset any
---@param num_replicas? integer|{num_replicas: integer?, rank: integer?, shuffle: boolean?, seed: integer?,
---  drop_last: boolean?, batch_size: integer?} the number of ranks
---@param rank? integer this rank
---@param shuffle? boolean true
---@param seed? integer 0
---@param drop_last? boolean false
---@param batch_size? integer 1; a loader sets it to its own
---@return helios.Sampler
function M.ResumableDistributedSampler(dataset, num_replicas, rank, shuffle, seed, drop_last, batch_size)
  local call, info = DISTRIBUTED_CALL, distributed.get_dist_info()
  local given = options_of(call, dataset, num_replicas, rank, shuffle, seed, drop_last, batch_size)
  local self = new_sampler(DistributedSampler, call, {num_replicas = info.world_size, rank = info.rank, shuffle = true,
    seed = 0, drop_last = false, batch_size = 1}, given)
  self.num_replicas = check_integer(call.name, "num_replicas", self.num_replicas, 1, 2)
  self.rank = check_integer(call.name, "rank", self.rank, 0, 2)
  if self.rank >= self.num_replicas then
    fail(call.name, "rank", ("must be below num_replicas, %d, got %d"):format(self.num_replicas, self.rank), 2)
  end
  self.samples = self.count
  self.count = self.drop_last and self.samples // self.num_replicas
    or (self.samples + self.num_replicas - 1) // self.num_replicas
  return self
end

-- DataLoader ---------------------------------------------------------------------------------------------------------

---@class helios.DataLoader
---@field dataset any
---@field sampler helios.Sampler
---@field batch_size integer
---@field drop_last boolean
---@field collate_fn fun(samples: any[]): any
local DataLoader = {}
DataLoader.__index = DataLoader
DataLoader.__name = "helios.DataLoader"

---How many batches a whole epoch has.
---@return integer
function DataLoader:len()
  local samples = self.sampler:len()
  return self.drop_last and samples // self.batch_size or (samples + self.batch_size - 1) // self.batch_size
end

DataLoader.__len = DataLoader.len

local function list_of_samples(samples)
  return samples
end

---Walk the epoch chosen by `sampler:set_epoch`, from batch `sampler.start_iter` on.
---@return fun(): any next the next batch, nil at the end
function DataLoader:iter()
  local indices, get, at = self.sampler:indices(), sample_reader(self.dataset), 0
  return function()
    local n = math.min(self.batch_size, #indices - at)
    if n <= 0 or (self.drop_last and n < self.batch_size) then return nil end
    local samples = {}
    for i = 1, n do samples[i] = get(indices[at + i]) end
    at = at + n
    local batch = self.collate_fn(samples)
    if batch == nil then error("DataLoader: collate_fn returned nil", 2) end
    return batch
  end
end

local function default_sampler(options)
  local dataset, batch_size, seed = options.dataset, options.batch_size, options.random_seed
  if options.is_distributed then
    return M.ResumableDistributedSampler(dataset, {shuffle = options.shuffle, drop_last = options.drop_last,
      seed = seed, batch_size = batch_size})
  elseif options.shuffle then
    return M.ResumableRandomSampler(dataset, seed, batch_size)
  end
  return M.ResumableSequentialSampler(dataset, batch_size)
end

local LOADER_CALL <const> = {
  name = "DataLoader", required = 0, positional = 0,
  names = {"dataset", "batch_size", "shuffle", "drop_last", "collate_fn", "random_seed", "sampler", "is_distributed"},
  types = {shuffle = "boolean", drop_last = "boolean", collate_fn = "function", is_distributed = "boolean"},
}

local function check_sampler(sampler)
  if sampler ~= nil and not (has_method(sampler, "indices") and has_method(sampler, "set_epoch")) then
    fail("DataLoader", "sampler", "expected an object with set_epoch(), indices() and start_iter", 3)
  end
end

---Cuts a dataset into batches. Without a `sampler` the options choose one: distributed, random or sequential.
---@param options {dataset: any, batch_size: integer?, shuffle: boolean?, drop_last: boolean?, collate_fn: function?,
---  random_seed: integer?, sampler: helios.Sampler?, is_distributed: boolean?} batch_size 1, shuffle false, drop_last
---  false, random_seed Helios' default; the default `collate_fn` returns the list of samples
---@return helios.DataLoader
function M.DataLoader(options)
  if type(options) ~= "table" then error("DataLoader: expected a table of options, got a " .. type(options), 2) end
  local self = options_of(LOADER_CALL, options)
  local length, reason = length_of(self.dataset)
  if not length then fail("DataLoader", "dataset", self.dataset == nil and "missing" or reason, 2) end
  self.batch_size = check_integer("DataLoader", "batch_size", self.batch_size or 1, 1, 2)
  self.random_seed = check_integer("DataLoader", "random_seed", self.random_seed or rng.get_default_seed(),
    math.mininteger, 2)
  self.drop_last, self.collate_fn = self.drop_last or false, self.collate_fn or list_of_samples
  check_sampler(self.sampler)
  self.sampler = self.sampler or default_sampler(self)
  self.sampler.batch_size = self.batch_size -- what its start_iter counts are this loader's batches
  return setmetatable(self, DataLoader)
end

-- DataModule ---------------------------------------------------------------------------------------------------------

---Where a run's data comes from. Give `DataModule.new` the methods that differ from these.
---@class helios.DataModule
---@field train_dataset table? set by `setup`, made by `create_dataset`; likewise `valid_dataset`, `test_dataset`
---@field is_distributed boolean set by the trainer
---@field trainer helios.Trainer set by the trainer
local DataModule = {is_distributed = false}
DataModule.__index = DataModule
DataModule.__name = "helios.DataModule"
M.DataModule = DataModule

---@param methods table? overridden methods and any fields of your own
---@return helios.DataModule
function DataModule.new(methods)
  return (overriding.new(DataModule, "DataModule.new", methods))
end

---Once per run, before anything else and before ranks are told apart: download, unpack, build caches. In a distributed
---run only rank 0 calls it, the others wait. Keep no state here.
function DataModule:prepare_data() end -- luacheck: no self

---Make the datasets, on every rank.
function DataModule:setup() end -- luacheck: no self

---After training or testing, also when it failed.
function DataModule:teardown() end -- luacheck: no self

---A dataset with the options of its loader, to be put in `train_dataset`, `valid_dataset` or `test_dataset`.
---@param dataset any
---@param params table? options of `DataLoader`
---@return table
function DataModule:create_dataset(dataset, params) -- luacheck: no self
  local description = {dataset = dataset}
  for name, value in pairs(params or {}) do description[name] = value end
  return description
end

local function loader_of(self, description)
  if description == nil then return nil end
  local options = {}
  for name, value in pairs(description) do options[name] = value end
  if options.is_distributed == nil then options.is_distributed = self.is_distributed end
  if options.random_seed == nil and self.trainer then options.random_seed = self.trainer.random_seed end
  return M.DataLoader(options)
end

---@return helios.DataLoader?
function DataModule:train_dataloader()
  return loader_of(self, self.train_dataset)
end

---@return helios.DataLoader? nil when there is no validation
function DataModule:valid_dataloader()
  return loader_of(self, self.valid_dataset)
end

---@return helios.DataLoader?
function DataModule:test_dataloader()
  return loader_of(self, self.test_dataset)
end

return M
