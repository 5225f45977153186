-- Going on from a checkpoint, in one process; resume_spec.lua stops and starts processes.
local checkpoint = require "helios.checkpoint"
local data = require "helios.data"
local events = require "spec.support.events"
local logging = require "helios.core.logging"
local Model = require "helios.model"
local rng = require "helios.rng"
local tmp = require "spec.support.tmp"
local training = require "spec.support.training"

local at, module_of, numbers, only_file, quiet =
  training.at, training.module_of, training.numbers, training.only_file, training.quiet

setup(training.hush)
teardown(training.unhush)

describe("resuming", function()
  local function counting(seen)
    return Model.new("m", {
      setup = function(self) self.n = 0 end,
      train_step = function(self, batch)
        self.n = self.n + batch[1]
        if seen then seen[#seen + 1] = batch[1] end
      end,
      state_dict = function(self) return {n = self.n} end,
      load_state_dict = function(self, saved) self.n = saved.n end,
    })
  end

  it("goes on from the last checkpoint, in the same log and run, and says so", function()
    local dir = tmp.dir()
    local model, seen = counting(), {}
    quiet(at(dir, {total_steps = 2, chkpt_frequency = 1})):fit(model, module_of(3))
    assert.equal(12, model.n)
    local again = counting(seen)
    quiet(at(dir, {total_steps = 3, chkpt_frequency = 1})):fit(again, module_of(3))
    assert.equal(18, again.n)
    assert.equal(3, #seen)
    local log = tmp.read(only_file(dir .. "/logs"))
    assert.matches("Resuming training from checkpoint " .. dir .. "/chkpt/m/m_epoch_2_iter_6.chkpt", log, 1, true)
    assert.matches("Starting epoch 3", log)
  end)

  it("has viewers forget what came after the checkpoint, from the step that the model says", function()
    for wanted, override in pairs {[3] = false, [31] = true} do
      local dir = tmp.dir()
      local function sit(total)
        local model = Model.new("m", {
          train_step = function(_, _, state)
            logging.get_tensorboard_writer():add_scalar("loss", 1, state.global_iteration * (override and 10 or 1))
          end,
          purge_step = override and function(_, state) return state.global_iteration * 10 + 11 end or nil,
        })
        quiet(at(dir, {total_steps = total, chkpt_frequency = 1})):fit(model, module_of(2))
      end
      sit(1)
      sit(2)
      local starts = {}
      for _, run in ipairs(tmp.files(dir .. "/runs", "tfevents")) do
        for _, event in ipairs(events.read(dir .. "/runs/" .. run)) do
          if event.session_log then starts[#starts + 1] = event.step or 0 end
        end
      end
      assert.same({0, wanted}, starts)
    end
  end)

  it("of a finished run trains nothing more", function()
    local dir, seen = tmp.dir(), {}
    for _ = 1, 2 do
      quiet {train_unit = "iteration", total_steps = 4, chkpt_frequency = 2, chkpt_root = dir}:fit(counting(seen),
        module_of(3))
    end
    assert.equal(4, #seen)
  end)

  it("steps over damaged checkpoints with a warning each", function()
    local dir = tmp.dir()
    quiet(at(dir, {total_steps = 3, chkpt_frequency = 1})):fit(counting(), module_of(2))
    local files = tmp.files(dir .. "/chkpt/m")
    local function without_time(bytes)
      local state = assert(checkpoint.decode(bytes))
      state.training_state.average_iter_time = nil
      return state
    end
    local whole = tmp.read(dir .. "/chkpt/m/" .. files[3])
    tmp.write(dir .. "/chkpt/m/" .. files[3], whole:sub(1, -2))
    tmp.write(dir .. "/chkpt/m/" .. files[2], "")
    local model = counting()
    quiet(at(dir, {total_steps = 3, chkpt_frequency = 1})):fit(model, module_of(2))
    assert.equal(9, model.n)
    local log = tmp.read(only_file(dir .. "/logs"))
    local warning = "%[WARNING]: checkpoint skipped: [^\n]*"
    assert.matches(warning .. "m_epoch_3_iter_6.chkpt: damaged: the checksum is wrong\n", log)
    assert.matches(warning .. "m_epoch_2_iter_4.chkpt: no checkpoint of Helios\n", log)
    assert.same(without_time(whole), without_time(tmp.read(dir .. "/chkpt/m/" .. files[3]))) -- written again
  end)

  it("does not let a damaged checkpoint push out those that are written after it was stepped over", function()
    local dir = tmp.dir()
    local function settings(total)
      return {train_unit = "iteration", total_steps = total, chkpt_frequency = 1, chkpt_keep_last = 1, chkpt_root = dir}
    end
    tmp.write(dir .. "/damaged", "half")
    quiet(settings(5)):fit(counting(), module_of(9))
    assert(os.rename(dir .. "/damaged", dir .. "/m/m_epoch_1_iter_5.chkpt"))
    quiet(settings(3)):fit(counting(), module_of(9))
    assert.same({"m_epoch_1_iter_3.chkpt", "m_epoch_1_iter_5.chkpt"}, tmp.files(dir .. "/m"))
    quiet(settings(6)):fit(counting(), module_of(9))
    assert.same({"m_epoch_1_iter_6.chkpt"}, tmp.files(dir .. "/m"))
  end)

  it("refuses checkpoints of a newer Helios, and files that are no trainer's", function()
    local dir = tmp.dir()
    local settings = {total_steps = 1, chkpt_frequency = 1, chkpt_root = dir}
    quiet(settings):fit(counting(), module_of(1))
    local path = checkpoint.find_last_checkpoint(dir .. "/m")
    local state = checkpoint.load(path)
    state.version = "999.0.0"
    checkpoint.save(path, state)
    assert.error_matches(function() quiet(settings):fit(counting(), module_of(1)) end,
      "was written by Helios 999.0.0, this is", 1, true)
    state.version, state.rng = "0.0.1", nil
    checkpoint.save(path, state)
    assert.error_matches(function() quiet(settings):fit(counting(), module_of(1)) end,
      "has no 'rng': it was not written by a trainer", 1, true)
  end)

  it("may train longer than the first sitting meant to, as if it had always meant to", function()
    local function final(dir, total)
      local seen = {}
      local module = data.DataModule.new {setup = function(self)
        self.train_dataset = self:create_dataset(numbers(7), {shuffle = true})
      end}
      quiet {train_unit = "iteration", total_steps = total, chkpt_frequency = 1, chkpt_root = dir}:fit(counting(seen),
        module)
      return seen
    end
    local dir = tmp.dir()
    local first, rest = final(dir, 10), final(dir, 25)
    assert.same(final(tmp.dir(), 25), table.move(rest, 1, #rest, #first + 1, first))
  end)
end)

describe("random numbers", function()
  it("are those of the seed in every fit, and the resumed stream is not shifted by what setup draws", function()
    local function drawn(total, dir, draws)
      local list = {}
      quiet {train_unit = "iteration", total_steps = total, chkpt_frequency = 1, chkpt_root = dir, random_seed = 3}:fit(
        Model.new("m", {
          on_training_start = function()
            for _ = 1, draws do rng.get_default_rng():bits() end
          end,
          train_step = function() list[#list + 1] = rng.get_default_rng():bits() ~ math.random(0) end,
        }), module_of(3))
      return list
    end
    local dir = tmp.dir()
    local whole = drawn(8, tmp.dir(), 2)
    local first, second = drawn(3, dir, 2), drawn(8, dir, 5)
    assert.same(whole, table.move(second, 1, #second, #first + 1, first))
  end)
end)
