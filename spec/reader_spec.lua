local reader = require "helios.reader"
local tmp = require "spec.support.tmp"

local GOLDEN = "spec/golden/torch_kinds.events"

local function copy_of(path, name, change)
  local folder = tmp.dir()
  local bytes = assert(io.open(path, "rb")):read("a")
  local target = folder .. "/" .. name
  local file = assert(io.open(target, "wb"))
  file:write(change and change(bytes) or bytes)
  file:close()
  return folder, target
end

local function collect(iterator, ...)
  local out = {}
  for item in iterator, ... do out[#out + 1] = item end
  return out
end

describe("helios.reader on a file by torch", function()
  local run

  before_each(function() run = assert(reader.open(GOLDEN)) end)
  after_each(function() run:close() end)

  it("tells tags with kind, steps and last value", function()
    local tags = {}
    for _, t in ipairs(run:tags()) do tags[t.tag] = t end
    assert.same("scalar", tags.loss.kind)
    assert.same("scalars", tags.loss.plugin)
    assert.same({1, 3, 3, 0.5}, {tags.loss.points, tags.loss.first_step, tags.loss.last_step, tags.loss.last_value})
    assert.same("scalar", tags.old.kind)
    assert.is_nil(tags.old.plugin)
    assert.same("histogram", tags.weights.kind)
    assert.same("image", tags.picture.kind)
    assert.same("text", tags["note/text_summary"].kind)
  end)

  it("gives a scalar's steps, values and times", function()
    assert.same({steps = {-7}, values = {-2.25}, times = {1234.5}}, run:scalars("old"))
  end)

  it("keeps doubles and large steps exact", function()
    assert.same({steps = {1 << 40}, values = {0.1}, times = {1700000000.25}}, run:scalars("precise"))
  end)

  it("gives empty lists for a tag that is not there", function()
    assert.same({steps = {}, values = {}, times = {}}, run:scalars("nothing"))
  end)

  it("refuses options it does not know, and values that are none, in the caller's line", function()
    for message, options in pairs{
      ["points: unknown option 'kinds'"] = {kinds = "scalar"},
      ["points: argument 'kind': expected a kind of value, got sclar"] = {kind = {"scalar", "sclar"}},
      ["points: argument 'tag': expected a string, got number"] = {tag = 5},
      ["points: argument 'first_step': expected a step, got 1.5"] = {first_step = 1.5},
    } do
      local ok, said = pcall(function() run:points(options) end)
      assert.is_false(ok)
      assert.matches("reader_spec%.lua:%d+: " .. message:gsub("%p", "%%%0") .. "$", said)
    end
  end)

  it("says that it is closed", function()
    run:close()
    for _, name in ipairs{"tags", "scalars", "points", "last", "hparams", "files"} do
      local ok, said = pcall(function() return (run[name](run, name ~= "tags" and name ~= "points" and "x" or nil)) end)
      assert.is_false(ok, name)
      assert.matches("reader_spec%.lua:%d+: " .. name .. ": the run is closed$", said)
    end
  end)

  it("decodes text", function()
    assert.same("grüß\0dich", run:last("note/text_summary").text)
  end)

  it("gives the image's bytes as they are", function()
    local image = run:last("picture").images[1]
    assert.same("\x89PNG\r\n\x1a\n", image.encoded:sub(1, 8))
    assert.same(string.unpack(">I4I4", image.encoded, 17), image.width)
  end)

  it("decodes a histogram into buckets", function()
    local point = run:last("weights")
    local n = 0
    for _, bucket in ipairs(point.buckets) do
      assert.is_true(bucket[1] <= bucket[2])
      n = n + bucket[3]
    end
    assert.same(point.num, n)
  end)

  it("decodes a PR curve as six rows", function()
    local point = run:last("curve")
    assert.same(6, point.shape[1])
    assert.same(6 * point.shape[2], #point.values)
  end)

  it("decodes hyper-parameters", function()
    local hparams = run:hparams()
    assert.same("number", type(hparams.lr))
    assert.same("string", type(hparams.opt))
  end)

  it("filters points by kind and by step", function()
    local kinds = {}
    for point in run:points{kind = {"image", "text"}} do kinds[#kinds + 1] = point.kind end
    table.sort(kinds)
    assert.same({"image", "text"}, kinds)
    assert.same(1, #collect(run:points{tag = "loss", first_step = 3}))
    assert.same(0, #collect(run:points{tag = "loss", first_step = 4}))
  end)
end)

describe("helios.reader on a resumed run", function()
  it("leaves out what a later sitting replaced", function()
    local folder = copy_of(GOLDEN, "events.out.tfevents.1")
    assert(os.execute(("cp '%s/events.out.tfevents.1' '%s/events.out.tfevents.2'"):format(folder, folder)))
    local run <close> = assert(reader.open(folder))
    local tags = assert(run:tags())
    assert.same(11, #tags)
    for _, tag in ipairs(tags) do assert.same(1, tag.points) end
    assert.same({3}, run:scalars("loss").steps)
  end)
end)

describe("helios.reader on damaged files", function()
  it("skips a bad payload and lists it", function()
    local folder = copy_of(GOLDEN, "events.out.tfevents.1", function(bytes)
      local first = string.unpack("<I8", bytes) + 16
      return bytes:sub(1, first + 20) .. string.char(bytes:byte(first + 21) ~ 1) .. bytes:sub(first + 22)
    end)
    local run <close> = assert(reader.open(folder))
    local files = assert(run:files())
    assert.same(1, files[1].damaged)
    assert.same("wrong data checksum", files[1].damage[1].reason)
  end)

  it("verifies and repairs, and leaves nothing behind", function()
    local folder, path = copy_of(GOLDEN, "events.out.tfevents.1", function(bytes) return bytes:sub(1, -4) end)
    local whole = assert(reader.verify(GOLDEN))
    local cut = assert(reader.verify(path))
    assert.same(0, whole.cut_bytes)
    assert.same(whole.records - 1, cut.records)
    assert.is_true(cut.cut_bytes > 0)
    assert.same(cut.records, assert(reader.repair(path)).kept)
    local repaired = assert(reader.verify(path))
    assert.same({cut.records, 0, 0}, {repaired.records, repaired.damaged, repaired.cut_bytes})
    local names = assert(io.popen("ls -A '" .. folder .. "'")):read("a")
    assert.same("events.out.tfevents.1\n", names)
  end)

  it("finds the records behind a bad length when it repairs", function()
    local _, path = copy_of(GOLDEN, "events.out.tfevents.1", function(bytes) return "\xff" .. bytes:sub(2) end)
    assert.is_true(assert(reader.verify(path)).ended)
    assert.same(assert(reader.verify(GOLDEN)).records - 1, assert(reader.repair(path)).kept)
  end)

  it("reads every cut and every flipped byte without an error", function()
    local bytes = assert(io.open(GOLDEN, "rb")):read("a")
    local folder = tmp.dir()
    local path = folder .. "/events.out.tfevents.1"
    for i = 1, #bytes, 7 do
      for _, changed in ipairs{bytes:sub(1, i), bytes:sub(1, i - 1) .. "\xa5" .. bytes:sub(i + 1)} do
        local file = assert(io.open(path, "wb"))
        file:write(changed)
        file:close()
        local run <close> = assert(reader.open(path))
        assert(run:tags())
        for _ in run:points() do end
      end
    end
  end)
end)

describe("helios.reader.runs", function()
  it("finds nested runs in name order", function()
    local folder = tmp.dir()
    for _, name in ipairs{"b", "a/x", "a"} do
      assert(os.execute(("mkdir -p '%s/%s' && cp %s '%s/%s/events.out.tfevents.1'")
        :format(folder, name, GOLDEN, folder, name)))
    end
    assert(os.execute(("ln -s .. '%s/a/loop'"):format(folder)))
    local names = {}
    for _, found in ipairs(assert(reader.runs(folder))) do names[#names + 1] = found.name end
    assert.same({"a", "a/x", "b"}, names)
  end)

  it("takes a file as one run", function()
    assert.same({{name = ".", path = GOLDEN}}, reader.runs(GOLDEN))
  end)

  it("gives nil, message, code for what is not there", function()
    local runs, message, code = reader.runs("no/such/folder")
    assert.is_nil(runs)
    assert.matches("no/such/folder: cannot open: No such file", message)
    assert.same("EIO", code)
  end)
end)

describe("wrong calls of helios.reader", function()
  it("name function and argument", function()
    assert.error_matches(function() reader.open(3) end, "open: argument 'path': expected a string, got number")
    assert.error_matches(function() reader.runs() end, "runs: argument 'root': expected a string, got nothing")
    local run <close> = assert(reader.open(GOLDEN))
    local no_kind = "argument 'kind': expected a kind of value, got "
    assert.error_matches(function() run:tags("scalars") end, "tags: " .. no_kind .. "scalars")
    assert.error_matches(function() run:points{kind = "x"} end, "points: " .. no_kind .. "x")
    assert.error_matches(function() run:scalars(nil) end, "scalars: argument 'tag': expected a string, got nothing")
  end)
end)
