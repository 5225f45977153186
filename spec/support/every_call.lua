---A script that uses every call of the public modules, in pieces: `spec/c/test_every_call.c` lets each allocation of
---each piece fail in turn. `spec/every_call_spec.lua` runs it with memory enough, and sees that no call is missing.
---@param dir string a folder of its own
---@return {name: string, run: fun()}[] pieces
---@return fun() after each: what must hold whatever failed
---@return fun() close
return function(dir)
  local helios = require "helios"
  local checkpoint, distributed, figure, graph = helios.checkpoint, helios.distributed, helios.figure, helios.graph
  local logging, reader, rng, tensor = helios.logging, helios.reader, helios.rng, helios.tensor

  local pieces = {}
  local function piece(name, run) pieces[#pieces + 1] = {name = name, run = run} end

  -- The long-lived objects, whose pieces come first; opened anew should a failure have closed them.
  local tb, log = logging.TensorboardWriter(), logging.RootLogger()
  local function open()
    tb:setup(dir .. "/run", {flush_secs = 1000})
    log:setup(dir .. "/log/train.log")
  end
  open()

  local pixels = tensor.new({3, 6, 6}, "uint8")
  local big = tensor.new({3, 64, 64}, "uint8") -- for a worker
  local hundredths = {0.25, 0.5, 0.75}

  piece("numbers", function()
    tb:set_step(7)
    tb:add_scalar("loss", 0.5)
    tb:add_scalar("loss", " 1e3 ", {global_step = 3, walltime = 1, double_precision = true})
    tb:add_scalar("element", tensor.new({1}), 4)
    tb:add_scalar("nan", 0 / 0, 5)
    tb:add_scalars("main/tag", {a = 1, ["b/c"] = 2}, 1)
    tb:add_scalars("main", {{"z", 1}, {"a", 2}}, {walltime = 2})
  end)
  piece("texts", function()
    tb:add_text("text", "words", 1)
    tb:add_text("table", {{"a", "b"}, {"c", "d"}}, {global_step = 2})
    tb:add_text("long", ("x"):rep(200000), 3)
  end)
  piece("images", function()
    tb:add_image("image", pixels, 1)
    tb:add_image("hwc", {{{0, 1, 0.5}}}, {dataformats = "HWC", global_step = 1})
    tb:add_image("raw", ("\1"):rep(12), {shape = {3, 2, 2}, dtype = "uint8"})
    tb:add_images("images", tensor.new({3, 3, 4, 4}, "uint8"), 1)
    tb:add_image("worker", big, 2)
    tb:add_image_with_boxes("boxes", pixels, {{1, 1, 4, 4}}, {global_step = 1, labels = {"cat"}})
  end)
  piece("sound and film", function()
    tb:add_audio("sound", {0, 0.5, -0.5, 1}, 1, 8000)
    tb:add_video("film", tensor.new({1, 2, 3, 4, 4}, "uint8"), 1, 5)
  end)
  piece("distributions", function()
    tb:add_histogram("h", {{1, 2}, {3, 4}}, 1)
    tb:add_histogram("h", {1, 2, 3}, {bins = {0, 1, 5}})
    tb:add_histogram("h", {1, 2, 3}, {bins = "auto"})
    tb:add_histogram_raw("hr", 0, 2, 3, 4, 5, {1, 2}, {1, 2}, 1)
    tb:add_pr_curve("pr", {1, 0, 1}, hundredths, 1, 10, {1, 2, 3})
    tb:add_pr_curve_raw("prr", {1, 0}, {1, 0}, {0, 1}, {0, 1}, {1, 1}, {1, 0}, 1, 2)
    tb:add_tensor("t", {{1, 2}, {3, 4}}, 1)
  end)
  piece("hyper-parameters", function()
    tb:add_hparams({lr = 0.1, net = "a", on = true}, {loss = 1}, {lr = {0.1, 0.2}, net = {"a"}})
    tb:add_hparams({{"lr", 1}}, {{"loss", 2}}, {run_name = "a/b", global_step = 1})
  end)
  piece("layouts", function()
    tb:add_custom_scalars {losses = {both = {"Multiline", {"loss", "nan"}}, band = {"Margin", {"a", "b", "c"}}}}
    tb:add_custom_scalars_multilinechart({"loss"}, "category", "title")
    tb:add_custom_scalars_marginchart({"a", "b", "c"})
  end)
  piece("points in space", function()
    tb:add_mesh("mesh", {{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}}, {{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}}, {{{0, 1, 2}}},
      {camera = {fov = 75}}, 1)
    tb:add_embedding({{1, 2}, {3, 4}}, {"a", "b"}, tensor.new({2, 3, 2, 2}), 1, "e")
    tb:add_embedding({{1, 2}, {3, 4}}, {metadata = {{"a", "1"}, {"b", "2"}}, metadata_header = {"x", "y"}, tag = "f"})
  end)

  local Layer = {}
  Layer.__index, Layer.__name = Layer, "Layer"
  function Layer.forward(_, x) return {shape = x.shape} end
  local Net = {}
  Net.__index, Net.__name = Net, "Net"
  function Net:forward(x) return self.second:forward(self.first:forward(x)) end
  local net = setmetatable({first = setmetatable({size = 3}, Layer), second = setmetatable({}, Layer)}, Net)
  local onnx = dir .. "/model.onnx"
  assert(assert(io.open(onnx, "wb")):write("\8\8\58\22\10\11\10\1x\18\1y\34\3Add\18\7network")):close()
  piece("graphs", function()
    tb:add_graph(net, tensor.new {2, 3})
    tb:add_graph {{name = "a", op = "Input", shape = {1, 2}}, {name = "b", inputs = {"a"}, attr = {k = 1}}}
    pcall(tb.add_onnx_graph, tb, onnx)
    assert(graph.is_module(net) and graph.shape_of(pixels) and graph.shape_text {1, 2})
    assert(graph.describe(graph.trace(net, tensor.new {2, 3})))
  end)

  local picture = {render = function() return tensor.new({4, 4, 3}, "uint8") end, close = function() end}
  piece("figures", function()
    tb:add_figure("figure", picture, 1)
    tb:add_figure("figures", {picture, picture}, {close = false, global_step = 2})
    local f = figure.new {title = "t", width = 200, height = 100, xlabel = "x", xlim = {0, 1}, grid = true}
    f:plot({1, 2}, {3, 4}, {label = "l"}):scatter({1, 2}, {3, 4})
    f:subplot(2, 2, 2):bar({"a", "b"}, {1, 2})
    f:subplot(2, 2, 3):hist({1, 2, 3}, 2)
    f:subplot(2, 2, 4):imshow({{1, 2}, {3, 4}}, {annotate = true, xlabels = {"a", "b"}})
    f:text(0.5, 0.5, "words")
    f:close()
  end)

  piece("lines", function()
    log:info("words")
    log:info("%d and %s", 1, "two")
    log:warning(("w"):rep(5000))
    log:error("e", {extra = {x = 1}, stack_info = true})
    log:exception("caught", {exc_info = "the error"})
    log.logger:log("INFO", "by name")
    log.logger:log(20, "by number")
    log.logger:set_level("DEBUG")
    log.logger:set_level(log.logger.level + 10)
  end)
  piece("handlers", function()
    local function handler() end
    log.logger:add_handler(handler, 10)
    log:info("seen")
    log.logger:remove_handler(handler)
  end)
  piece("flushing", function()
    tb:flush()
    log:flush()
    tb:stats()
    log:stats()
    log:reopen()
  end)

  piece("objects", function()
    local w <close> = logging.TensorboardWriter()
    local l <close> = logging.RootLogger()
    w:setup(dir .. "/other", {purge_step = 3, filename_suffix = ".x", durability = "disk", scalars_layout = "tags"})
    w:add_scalars("main", {a = 1}, 1)
    l:setup(dir .. "/log/other.log")
    l:info("words")
    w:close()
    l:close()
  end)
  piece("default loggers", function()
    logging.get_default_log_name("run")
    logging.create_default_loggers(true)
    logging.restore_default_loggers(dir .. "/log/default.log", dir .. "/default", {purge_step = 1})
    logging.get_root_logger():info("words")
    logging.get_tensorboard_writer():add_scalar("x", 1, 1)
    logging.flush_default_loggers()
    assert(logging.is_root_logger_active())
    logging.close_default_loggers()
    logging.create_default_loggers()
    logging.setup_default_loggers("run", dir .. "/log")
    logging.close_default_loggers()
  end)

  local png = dir .. "/small.png"
  assert(assert(io.open(png, "wb")):write("\137PNG\13\10\26\10\0\0\0\13IHDR\0\0\0\1\0\0\0\1\8\2\0\0\0\144wS\222",
    "\0\0\0\12IDAT\8\215c\248\207\192\0\0\3\1\1\0\24\221\141\176\0\0\0\0IEND\174B`\130")):close()
  piece("tensors", function()
    local t = tensor.from_table({{1, 2, 3}, {4, 5, 6}}, "int16")
    t:set(t:get(1, 2), 2, 1)
    t:fill(3)
    assert(#t + t:numel() + t.ndim > 0 and tostring(t) and t.shape and t.dtype and t:bytes() and t:totable())
    assert(t:permute(2, 1):reshape(6):select(1, 2))
    assert(tensor.from_bytes("\1\2", {2}, "uint8") and tensor.new({2, 2}, "float64"))
    assert(tensor.read_png(png))
  end)

  local old = dir .. "/old"
  do
    local w <close> = logging.TensorboardWriter()
    w:setup(old)
    for i = 1, 3 do w:add_scalar("x", i, i) end
    w:add_text("t", "words", 1)
    w:add_histogram("h", {1, 2, 3}, 1)
    w:add_image("i", pixels, 1)
    w:add_hparams({lr = 1}, {loss = 1})
  end
  local old_file = assert(reader.open(old)):files()[1].path
  piece("reading", function()
    assert(reader.runs(dir))
    local run = assert(reader.open(old))
    run:tags()
    run:tags("scalar")
    run:scalars("x")
    run:last("x")
    run:hparams()
    run:files()
    for _ in run:points {tag = "h"} do end
    for _ in run:points() do end
    run:close()
    for _ in reader.events(old_file) do end
    assert(reader.verify(old_file))
    assert(reader.repair(old_file, dir .. "/repaired"))
  end)

  piece("random numbers", function()
    rng.seed_rngs(3)
    local state = rng.get_rng_state_dict()
    local g = rng.get_default_rng()
    g:shuffle {g:random(), g:integers(1, 5), g:normal(), rng.get_default_seed()}
    g:permutation(5)
    g:load_state_dict(g:state_dict())
    rng.load_rng_state_dict(state)
    rng.new(3):random()
  end)
  piece("processes", function()
    distributed.init_dist()
    distributed.get_dist_info()
    assert(distributed.get_global_rank() + distributed.get_local_rank() + distributed.get_world_size() == 1)
    assert(not distributed.is_dist_active() and not distributed.is_using_torchrun())
    distributed.barrier()
    distributed.safe_barrier()
    distributed.all_reduce({1, {2}}, "sum")
    distributed.gather {1}
    distributed.broadcast({1}, 0)
    distributed.rank_zero_only(function() end)()
    distributed.shutdown_dist()
  end)
  piece("checkpoints", function()
    local path = dir .. "/" .. checkpoint.name("net", 1, 2) .. checkpoint.EXTENSION
    local state = {numbers = {1, 2.5}, text = "x", tensor = pixels}
    assert(checkpoint.decode(checkpoint.encode(state)))
    assert(checkpoint.save(path, state))
    assert(checkpoint.load(path))
    assert(checkpoint.list(dir))
    assert(checkpoint.find_last_checkpoint(dir))
    checkpoint.sweep(dir)
    checkpoint.prune(dir, 1)
  end)
  piece("data", function()
    local list = {1, 2, 3, 4, 5}
    assert(helios.data.dataset_length(list) == 5)
    local loader = helios.DataLoader {dataset = list, batch_size = 2, shuffle = true}
    assert(#loader == 3)
    for _ in loader:iter() do end
    for _, sampler in ipairs {helios.ResumableRandomSampler(list, 1, 2), helios.ResumableSequentialSampler(list),
      helios.ResumableDistributedSampler(list, 2, 1)} do
      sampler:set_epoch(2)
      sampler:indices()
    end
  end)

  local epochs = 0
  piece("training", function()
    epochs = epochs + 1 -- each time it goes on from the last checkpoint
    local model = helios.Model.new("net", {
      train_step = function() end,
      valid_step = function() end,
      test_step = function() end,
      state_dict = function() return {weights = {1, 2}} end,
      load_state_dict = function() end,
    })
    local loader = helios.DataLoader {dataset = {1, 2, 3}}
    local datamodule = helios.DataModule.new {
      train_dataloader = function() return loader end,
      valid_dataloader = function() return loader end,
      test_dataloader = function() return loader end,
    }
    local trainer = helios.Trainer {
      run_name = "run", train_unit = "epoch", total_steps = epochs, valid_frequency = 1, chkpt_frequency = 1,
      enable_progress_bar = false, print_banner = false,
      chkpt_root = dir .. "/chkpts", log_path = dir .. "/logs", run_path = dir .. "/runs",
    }
    trainer:fit(model, datamodule)
    trainer:test(model, datamodule)
  end)

  -- Memory is there again: everything is as it always is.
  local function after()
    if not pcall(tb.add_scalar, tb, "after", 1, 1) then open() end
    tb:add_scalar("after", 1, 2)
    log:info("after")
    tb:flush() -- which may have dropped records to tell of
    log:flush()
    assert(tb:flush())
    assert(log:flush())
    assert(tb:stats().pending == 0 and log:stats().pending == 0)
  end

  local function close()
    logging.close_default_loggers()
    tb:close()
    log:close()
  end

  return pieces, after, close
end
