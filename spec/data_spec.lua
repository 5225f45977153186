local data = require "helios.data"

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local function epoch(loader, n, start)
  loader.sampler:set_epoch(n)
  loader.sampler.start_iter = start or 0
  local batches = {}
  for batch in loader:iter() do batches[#batches + 1] = batch end
  return batches
end

local function flat(batches)
  local list = {}
  for _, batch in ipairs(batches) do table.move(batch, 1, #batch, #list + 1, list) end
  return list
end

describe("DataLoader", function()
  it("cuts the dataset into batches in its order", function()
    local loader = data.DataLoader {dataset = numbers(7), batch_size = 3}
    assert.equal(3, #loader)
    assert.same({{1, 2, 3}, {4, 5, 6}, {7}}, epoch(loader, 0))
  end)

  it("leaves a last incomplete batch out with drop_last", function()
    local loader = data.DataLoader {dataset = numbers(7), batch_size = 3, drop_last = true}
    assert.equal(2, #loader)
    assert.same({{1, 2, 3}, {4, 5, 6}}, epoch(loader, 0))
  end)

  it("takes datasets with len() and get(i), and collates as told", function()
    local dataset = {len = function() return 4 end, get = function(_, i) return i * 10 end}
    local loader = data.DataLoader {dataset = dataset, batch_size = 2,
      collate_fn = function(samples) return samples[1] + samples[2] end}
    assert.same({30, 70}, epoch(loader, 0))
  end)

  it("shuffles every epoch in an order of its own that seed and epoch decide alone", function()
    local function loader(seed) return data.DataLoader {dataset = numbers(50), shuffle = true, random_seed = seed} end
    local a = loader(1)
    local first, second = flat(epoch(a, 0)), flat(epoch(a, 1))
    assert.not_same(first, second)
    assert.same(second, flat(epoch(loader(1), 1)))
    assert.same(first, flat(epoch(a, 0)))
    assert.not_same(first, flat(epoch(loader(2), 0)))
    assert.not_same(second, flat(epoch(loader(2), 0))) -- as adding seed and epoch up would have it
    table.sort(second)
    assert.same(numbers(50), second)
  end)

  it("begins at any batch of an epoch, shuffled or not, last one incomplete or not", function()
    for _, shuffle in ipairs {true, false} do
      for _, drop_last in ipairs {true, false} do
        local loader = data.DataLoader {dataset = numbers(23), batch_size = 4, shuffle = shuffle, drop_last = drop_last}
        local whole = epoch(loader, 3)
        for start = 0, #loader do
          assert.same(table.move(whole, start + 1, #whole, 1, {}), epoch(loader, 3, start))
        end
      end
    end
  end)

  it("begins at a batch of its own, whatever batches its sampler was made for", function()
    for _, sampler in ipairs {data.ResumableRandomSampler(numbers(23), 5), data.ResumableSequentialSampler(numbers(23)),
      data.ResumableDistributedSampler(numbers(46), 2, 1)} do
      local loader = data.DataLoader {dataset = numbers(46), batch_size = 4, sampler = sampler}
      local whole = epoch(loader, 1)
      assert.same(table.move(whole, 3, #whole, 1, {}), epoch(loader, 1, 2))
    end
  end)

  it("raises for wrong options, naming them", function()
    local function message(options) return select(2, pcall(data.DataLoader, options)) end
    assert.matches("DataLoader: argument 'batch_size': must be at least 1, got 0",
      message {dataset = numbers(3), batch_size = 0}, 1, true)
    assert.matches("DataLoader: unknown option 'batchsize'", message {dataset = numbers(3), batchsize = 1}, 1, true)
    assert.matches("DataLoader: argument 'dataset': missing", message {}, 1, true)
    assert.matches("expected an object with # (or len()) of at least 1, got an empty one", message {dataset = {}}, 1,
      true)
    assert.matches("DataLoader: argument 'shuffle': expected a boolean, got 1", message {dataset = {1}, shuffle = 1}, 1,
      true)
    assert.matches("DataLoader: argument 'random_seed': expected an integer, got 1.5",
      message {dataset = {1}, random_seed = 1.5}, 1, true)
    assert.matches("DataLoader: expected a table of options, got a number", message(5), 1, true)
    assert.matches("argument 'sampler': expected an object with set_epoch(), indices() and start_iter",
      message {dataset = numbers(3), sampler = {}}, 1, true)
  end)
end)

describe("samplers", function()
  it("take their options in Helios' order, or by name in one table", function()
    local function fields(sampler)
      return {sampler.seed, sampler.batch_size, #sampler, sampler.num_replicas, sampler.rank, sampler.shuffle,
        sampler.drop_last}
    end
    local function same(a, b) assert.same(fields(a), fields(b)) end
    local ten = numbers(10)
    same(data.ResumableRandomSampler(ten, 42, 3), data.ResumableRandomSampler(ten, {batch_size = 3, seed = 42}))
    same(data.ResumableSequentialSampler(ten, 3), data.ResumableSequentialSampler(ten, {batch_size = 3}))
    same(data.ResumableDistributedSampler(ten, 4, 1, false, 7, true, 2), data.ResumableDistributedSampler(ten,
      {num_replicas = 4, rank = 1, shuffle = false, seed = 7, drop_last = true, batch_size = 2}))
  end)

  it("raise for wrong arguments, in the caller's line", function()
    local function message(...) return select(2, pcall(...)) end
    for name, sampler in pairs {Random = data.ResumableRandomSampler, Distributed = data.ResumableDistributedSampler,
      Sequential = data.ResumableSequentialSampler} do
      name = "Resumable" .. name .. "Sampler: "
      assert.equal(name .. "argument 'dataset': missing", message(sampler))
      assert.equal(name .. "argument 'dataset': expected an object with # (or len()) of at least 1, got a number",
        message(sampler, 5))
      assert.equal(name .. "unknown option 'size'", message(sampler, {1}, {size = 2}))
      assert.equal(name .. "argument 'batch_size': must be at least 1, got 0", message(sampler, {1}, {batch_size = 0}))
      assert.matches("^spec/data_spec.lua:%d+: " .. name, message(function()
        local s = sampler({1}, {batch_size = "x"})
        return s
      end))
    end
  end)

  it("refuse an epoch or a first batch that is none", function()
    local sampler = data.ResumableSequentialSampler {1, 2, 3}
    assert.error_matches(function() sampler:set_epoch "x" end,
      "set_epoch: argument 'epoch': expected an integer, got x", 1, true)
    assert.equal(0, sampler.epoch)
    sampler.start_iter = -1
    assert.error_matches(function() return (sampler:indices()) end,
      "indices: argument 'start_iter': must be at least 0, got -1", 1, true)
  end)
end)

describe("ResumableDistributedSampler", function()
  local function parts(n, ranks, options)
    local result = {}
    for rank = 0, ranks - 1 do
      local sampler = data.ResumableDistributedSampler(numbers(n), {num_replicas = ranks, rank = rank,
        seed = options.seed, drop_last = options.drop_last, shuffle = options.shuffle})
      sampler:set_epoch(options.epoch or 0)
      result[rank + 1] = sampler:indices()
    end
    return result
  end

  it("gives the ranks disjoint parts of equal length that make up the epoch", function()
    local seen = flat(parts(24, 4, {seed = 1}))
    assert.equal(24, #seen)
    table.sort(seen)
    assert.same(numbers(24), seen)
  end)

  it("leaves out the last samples with drop_last, when they do not divide evenly", function()
    local given, seen = parts(26, 4, {seed = 1, drop_last = true}), {}
    for _, part in ipairs(given) do
      assert.equal(6, #part)
      for _, i in ipairs(part) do
        assert.is_nil(seen[i])
        seen[i] = true
      end
    end
  end)

  it("takes a few twice otherwise, so that every rank has as many", function()
    local given = parts(26, 4, {shuffle = false})
    for _, part in ipairs(given) do assert.equal(7, #part) end
    assert.same({1, 5, 9, 13, 17, 21, 25}, given[1])
    assert.same({4, 8, 12, 16, 20, 24, 2}, given[4])
    assert.same({1, 1, 1}, flat(parts(1, 3, {})))
  end)

  it("orders each epoch anew, the same way on all ranks", function()
    assert.not_same(parts(24, 2, {seed = 1, epoch = 0}), parts(24, 2, {seed = 1, epoch = 1}))
  end)

  it("skips the batches seen before a restart", function()
    local sampler = data.ResumableDistributedSampler(numbers(20), {num_replicas = 2, rank = 1, batch_size = 3})
    local whole = sampler:indices()
    sampler.start_iter = 2
    assert.same(table.move(whole, 7, 10, 1, {}), sampler:indices())
  end)

  it("refuses a rank outside the world", function()
    assert.error_matches(function() data.ResumableDistributedSampler(numbers(3), {num_replicas = 2, rank = 2}) end,
      "argument 'rank': must be below num_replicas, 2, got 2", 1, true)
  end)
end)

describe("DataModule", function()
  it("takes a table of methods and nothing else", function()
    assert.error_matches(function() data.DataModule.new(5) end,
      "DataModule.new: argument 'methods': expected a table, got a number", 1, true)
  end)

  it("makes loaders of the datasets that setup has set, and none of those it has not", function()
    local module = data.DataModule.new {
      setup = function(self) self.train_dataset = self:create_dataset(numbers(5), {batch_size = 2}) end,
    }
    module:setup()
    assert.equal(3, #module:train_dataloader())
    assert.is_nil(module:valid_dataloader())
    assert.is_nil(module:test_dataloader())
  end)

  it("gives shuffled loaders the trainer's seed", function()
    local function order(seed)
      local module = data.DataModule.new {trainer = {random_seed = seed}}
      module.train_dataset = module:create_dataset(numbers(30), {shuffle = true})
      return flat(epoch(module:train_dataloader(), 0))
    end
    assert.same(order(1), order(1))
    assert.not_same(order(1), order(2))
  end)

  it("cuts the data between the ranks of a distributed run", function()
    local module = data.DataModule.new {is_distributed = true}
    module.train_dataset = module:create_dataset(numbers(6))
    assert.equal("helios.ResumableDistributedSampler", getmetatable(module:train_dataloader().sampler).__name)
  end)
end)
