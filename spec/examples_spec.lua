local events = require "spec.support.events"
local lfs = require "lfs"
local tmp = require "spec.support.tmp"

local root = lfs.currentdir()
local build = root .. "/" .. (os.getenv("BUILD") or "build")

---Run a command in a folder of its own, with the modules of this tree.
---@return string folder
---@return string output
local function run(command)
  local folder = tmp.dir()
  local pipe = assert(io.popen(([[cd %s && LUA_PATH="%s/lua/?.lua;%s/lua/?/init.lua;;" LUA_CPATH="%s/lua/?.so;;" %s]])
    :format(folder, root, root, build, command)))
  local output = pipe:read("a")
  assert.is_true(pipe:close())
  return folder, output
end

local function example(name) return run("lua5.4 " .. root .. "/examples/" .. name) end

---The run's folder and the log's path, from what lies in runs/ and logs/.
local function only_entry(folder)
  local found
  for name in lfs.dir(folder) do
    if not name:find("^%.%.?$") then
      assert.is_nil(found)
      found = folder .. "/" .. name
    end
  end
  return found
end

describe("examples/scalars.lua", function()
  it("leaves three curves of 100 points and a line in the log", function()
    local folder = example("scalars.lua")
    local run_path = only_entry(folder .. "/runs")
    assert.equal(100, #events.values(run_path, "wave/damped"))
    assert.equal(100, #events.values(run_path .. "/wave_pair_sin", "wave/pair"))
    assert.equal(100, #events.values(run_path .. "/wave_pair_cos", "wave/pair"))
    assert.matches("^%[[%d-]+ [%d:,]+%] %[INFO%]: 100 points of three curves are in runs/scalars_[^\n]*\n$",
      tmp.read(only_entry(folder .. "/logs")))
  end)
end)

describe("examples/read_back.lua", function()
  it("tells the last value of every curve", function()
    local runs = example("scalars.lua") .. "/runs"
    local _, output = example("read_back.lua " .. runs)
    assert.matches("^scalars_[^\n]*\n  wave/damped +100 points, %-0%.12277 at step 99\n", output)
    assert.matches("/wave_pair_sin\n  wave/pair +100 points, %-0%.457536 at step 99\n", output)
  end)
end)

describe("examples/images.lua", function()
  it("leaves a photograph, a picture and a grid", function()
    local run_path = example("images.lua") .. "/runs/images"
    local flower = events.values(run_path, "flower")[1].image
    assert.same({427, 640, 3}, {flower.height, flower.width, flower.colorspace})
    local disc = events.values(run_path, "disc")[1].image
    assert.same({32, 32, 3}, {disc.height, disc.width, disc.colorspace})
    local grid = events.values(run_path, "discs")[1].image
    assert.same({64, 256, 3}, {grid.height, grid.width, grid.colorspace})
  end)
end)

describe("examples/figures.lua", function()
  it("leaves three pictures in the run and one in a file", function()
    local run_path = example("figures.lua") .. "/runs/figures"
    for tag, size in pairs{loss = {480, 640}, confusion = {480, 480}, panels = {400, 900}} do
      local image = events.values(run_path, tag)[1].image
      assert.same(size, {image.height, image.width})
    end
    assert.equal("\137PNG", tmp.read(run_path .. "/panels.png"):sub(1, 4))
  end)
end)

describe("examples/graph.lua", function()
  it("prints the graph and leaves it in the run", function()
    local folder, output = example("graph.lua")
    local add = "Net/Add[add] = Add(Net/Sequential[encoder]/ReLU[3], Net/Linear[skip]) -> 16x32"
    assert.truthy(output:find(add, 1, true))
    local list = events.run(folder .. "/runs/graph")
    assert.equal(9, #events.decode(list[2].graph_def, "GraphDef").node)
  end)
end)

describe("examples/audio.lua", function()
  it("leaves two seconds of sound", function()
    local audio = events.values(example("audio.lua") .. "/runs/audio", "chord")[1].audio
    assert.same({16000.0, 32000}, {audio.sample_rate, audio.length_frames})
  end)
end)

describe("examples/mesh.lua", function()
  it("leaves a surface and a cloud of points", function()
    local tags = {}
    for i, value in ipairs(events.values(example("mesh.lua") .. "/runs/mesh")) do tags[i] = value.tag end
    assert.same({"torus_VERTEX", "torus_FACE", "torus_COLOR", "points_VERTEX", "points_COLOR"}, tags)
  end)
end)

describe("examples/custom_scalars.lua", function()
  it("leaves a layout and its curves", function()
    local run_path = example("custom_scalars.lua") .. "/runs/custom_scalars"
    assert.equal(1, #events.values(run_path, "custom_scalars__config__"))
    assert.equal(100, #events.values(run_path, "estimate/low"))
  end)
end)

describe("examples/embeddings.lua", function()
  it("leaves 300 digits with labels and pictures for the projector", function()
    local run_path = example("embeddings.lua") .. "/runs/embeddings"
    assert.equal(300, select(2, tmp.read(run_path .. "/00000/digits/tensors.tsv"):gsub("\n", "")))
    assert.matches("^digit\tparity\n0\teven\n", tmp.read(run_path .. "/00000/digits/metadata.tsv"))
    assert.truthy(tmp.read(run_path .. "/projector_config.pbtxt"):find('"00000/digits/sprite.png"', 1, true))
  end)
end)

describe("examples/digits.lua", function()
  local folder, output, run_path
  lazy_setup(function()
    folder, output = example("digits.lua")
    run_path = only_entry(folder .. "/runs")
  end)

  it("tells nine in ten unseen digits and more", function()
    assert.is_true(tonumber(output:match("validation accuracy: ([%d.]+) %%")) >= 93)
  end)

  it("says where log and run are", function()
    assert.truthy(output:find(run_path:sub(#folder + 2), 1, true))
    assert.truthy(output:find(only_entry(folder .. "/logs"):sub(#folder + 2), 1, true))
  end)

  it("has the loss of every step and the accuracy of every epoch", function()
    local loss = events.values(run_path, "loss/train")
    assert.equal(20 * 47, #loss)
    assert.equal(20 * 47, loss[#loss].step)
    for _, part in ipairs {"train", "validation"} do
      assert.equal(20, #events.values(run_path .. "/accuracy_" .. part, "accuracy"))
    end
  end)

  it("has histograms, mistakes, a PR curve per digit, a table and hyper-parameters", function()
    for _, tag in ipairs {"weights/hidden", "weights/output", "gradients/hidden", "gradients/output"} do
      assert.equal(20, #events.values(run_path, tag))
    end
    assert.is_true(#events.values(run_path, "misclassified") > 0)
    for digit = 0, 9 do assert.equal("pr_curves", events.plugin(events.values(run_path, "pr_curve/" .. digit)[1])) end
    assert.matches("| digit | seen |", events.values(run_path, "results/text_summary")[1].tensor.string_val[1], 1, true)
    assert.equal(1, #events.values(run_path, "_hparams_/session_start_info"))
  end)

  it("has the network's graph, and figures of loss and confusion", function()
    local graphs = 0
    for _, event in ipairs(events.run(run_path)) do
      if event.graph_def then
        local names = {}
        for i, node in ipairs(events.decode(event.graph_def, "GraphDef").node) do names[i] = node.name end
        assert.same({"input/x", "Perceptron/Linear[hidden]", "Perceptron/ReLU[relu]", "Perceptron/Linear[output]",
          "Perceptron/Softmax[softmax]", "output/output.1"}, names)
        graphs = graphs + 1
      end
    end
    assert.equal(1, graphs)
    for _, tag in ipairs {"figures/confusion", "figures/loss"} do
      local image = events.values(run_path, tag)[1].image
      assert.same({940, 640, 480}, {events.values(run_path, tag)[1].step, image.width, image.height})
    end
  end)

  it("leaves nothing but event files in the run", function()
    assert.same({}, tmp.files(folder .. "/runs", "^[^e]*$"))
    for _, path in ipairs(tmp.files(folder .. "/runs")) do assert.matches("events%.out%.tfevents%.[^/]*$", path) end
  end)
end)

describe("examples/digits_mpi.lua", function()
  local mpirun = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 "
    .. "OMPI_MCA_mpi_yield_when_idle=1 ASAN_OPTIONS=detect_leaks=0 mpirun -n 4 lua5.4 "
  if not package.searchpath("helios.mpi", package.cpath) or not os.execute("command -v mpirun >/dev/null") then
    pending("needs mpirun and helios.mpi")
    return
  end

  local function accuracy(output) return tonumber(output:match("validation accuracy: ([%d.]+) %%")) end

  it("learns on four ranks what it learns on one, resumed half-way, in one log and one run", function()
    local script = root .. "/examples/digits_mpi.lua"
    local _, alone = run("lua5.4 " .. script .. " chkpt 3 2>&1")
    local folder, output = run(("sh -c '%s %s chkpt 1 && %s %s chkpt 3' 2>&1"):format(mpirun, script, mpirun, script))
    assert.near(accuracy(alone), accuracy(output:match("Resuming.*")), 1)
    assert.is_true(accuracy(output:match("Resuming.*")) >= 90)
    local losses = events.values(only_entry(folder .. "/runs"), "loss/train")
    assert.same({3 * 46, 3 * 46}, {#losses, losses[#losses].step})
    assert.matches("epoch  3: accuracy [%d.]+ %% %(validation, 4 ranks%)", tmp.read(only_entry(folder .. "/logs")))
  end)
end)

describe("make demo with DEMO_RESUME=1", function()
  it("goes on after SIGKILL half-way, in one log and one run, to the same accuracy", function()
    local demo = "sh -c 'ln -s %s/examples . && DEMO_RESUME=1 %s/tools/demo.sh' 2>/dev/null"
    local folder, output = run(demo:format(root, root))
    assert.matches("killed with SIGKILL after: digits_epoch_1%d_iter_%d+%.chkpt\n", output)
    assert.matches("Resuming training from checkpoint chkpt/resumed%-%w+/digits/digits_epoch_1%d", output)
    assert.is_true(tonumber(output:match("validation accuracy: ([%d.]+) %%")) >= 93)
    assert.equal(2, #events.files(only_entry(folder .. "/runs")))
    only_entry(folder .. "/logs")
  end)
end)

describe("examples/embed", function()
  it("writes from C and from Lua into the same run", function()
    local _, output = run(("env -u LUA_PATH -u LUA_CPATH %s/examples/embed/host %s/examples/embed/script.lua 50; pwd")
      :format(build, root))
    local run_path, folder = output:match("^([^\n]*)\n([^\n]*)\n$")
    run_path = folder .. "/" .. run_path
    assert.equal(50, #events.values(run_path, "spring/position"))
    assert.equal(50, #events.values(run_path, "host/step_ms"))
    assert.equal(1, #events.files(run_path))
    assert.matches("%[INFO%]: the script writes to .*%[INFO%]: the host is done after 50 steps\n$",
      tmp.read(only_entry(folder .. "/logs")))
  end)
end)
