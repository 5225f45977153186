local TensorboardWriter = require "helios.core.tensorboard_writer"
local events = require "spec.support.events"
local figure = require "helios.figure"
local lfs = require "lfs"
local tensor = require "helios.tensor"
local tmp = require "spec.support.tmp"

local dir, tb
before_each(function()
  dir, tb = tmp.dir(), TensorboardWriter()
  tb:setup(dir)
end)
after_each(function() tb:close() end)

local function fails(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok, "expected an error: " .. message)
  assert.equal(message, (tostring(err):gsub("^[^:]+:%d+: ", "")))
end

-- A wrong call: this message, and nothing on disk, not even a folder.
local function refuses(message, method, ...)
  fails(method .. ": " .. message, tb[method], tb, ...)
  assert.is_true(tb:flush())
  assert.same({}, tmp.files(dir, "tfevents"))
  for name in lfs.dir(dir) do
    assert.truthy(name:find("^%."), name .. " was made")
  end
end

local function unpack_all(format, bytes, at)
  local fields = table.pack(string.unpack(format, bytes, at))
  fields[fields.n], fields.n = nil, nil -- the position behind them
  return fields
end

local function values()
  assert.is_true(tb:flush())
  return events.values(dir)
end

local function only_value()
  local list = values()
  assert.equal(1, #list)
  return list[1]
end

describe("add_figure", function()
  local function object(picture)
    local function close(self) self.closed = self.closed + 1 end
    return {closed = 0, render = function() return picture end, close = close}
  end

  it("writes the pixels of an object's tensor, without alpha", function()
    local f = object(tensor.from_bytes("\1\2\3\255\4\5\6\0", {1, 2, 4}, "uint8"))
    tb:add_figure("f", f, 3)
    local value = only_value()
    local image = value.image
    assert.same({1, 2, 3, 3}, {image.height, image.width, image.colorspace, value.step})
    local path = dir .. "/x.png"
    tmp.write(path, image.encoded_image_string)
    assert.same({{{1, 2, 3}, {4, 5, 6}}}, tensor.read_png(path):totable())
    assert.equal(1, f.closed)
  end)

  it("writes the pixels of a table of bytes", function()
    tb:add_figure("f", object({{{0, 128, 255}, {1, 2, 3}}}), 1)
    tmp.write(dir .. "/p.png", only_value().image.encoded_image_string)
    assert.same({{{0, 128, 255}, {1, 2, 3}}}, tensor.read_png(dir .. "/p.png"):totable())
    fails("add_figure: argument 'figure': picture 1: [1][1][1]: expected an integer that fits uint8, got 0.5",
      tb.add_figure, tb, "f", object({{{0.5}}}))
  end)

  it("takes PNG bytes, and keeps the figure when asked to", function()
    tb:add_figure("a", object(tensor.from_bytes("\9\9\9", {1, 1, 3}, "uint8")))
    local f = object(only_value().image.encoded_image_string)
    tb:add_figure("b", f, {close = false, global_step = 2, walltime = 7})
    local value = values()[2]
    assert.same({1, 1, 2, 7.0}, {value.image.height, value.image.width, value.step, value.wall_time})
    assert.equal(0, f.closed)
  end)

  it("draws a figure of helios.figure", function()
    tb:add_figure("f", figure.new{width = 120, height = 90}:plot({1, 2, 3}))
    local image = only_value().image
    assert.same({90, 120, 3}, {image.height, image.width, image.colorspace})
  end)

  it("puts a list of figures of one size into a grid", function()
    local list = {}
    for i = 1, 9 do list[i] = object(tensor.new({2, 3, 3}, "uint8")) end
    tb:add_figure("f", list)
    assert.same({4, 24}, {values()[1].image.height, values()[1].image.width})
    assert.equal(1, list[9].closed)
  end)

  it("passes on what render raises, and writes nothing", function()
    refuses("oh no", "add_figure", "f", {render = function() error("oh no") end})
  end)

  it("refuses what is no figure", function()
    refuses("argument 'figure': expected an object with :render(), or a list of them, got a number", "add_figure", "f",
      1)
    refuses("argument 'figure': figure 2 has no :render()", "add_figure", "f", {object("x"), {}})
    refuses("argument 'figure': picture 1: :render() gave nothing", "add_figure", "f", object(nil))
    refuses("argument 'figure': picture 1: expected pixels of dtype uint8", "add_figure", "f",
      object(tensor.new{1, 1, 3}))
    refuses("argument 'figure': picture 2: is not as high and wide as the first", "add_figure", "f",
      {object(tensor.new({1, 1, 3}, "uint8")), object(tensor.new({1, 2, 3}, "uint8"))})
    refuses("argument 'global_step': expected an integer, got 2.7", "add_figure", "f",
      object(tensor.new({1, 1, 3}, "uint8")), 2.7)
    refuses("unknown option 'stp'", "add_figure", "f", object("x"), {stp = 1})
  end)
end)

describe("add_tensor", function()
  it("keeps dtype, shape and values", function()
    tb:add_tensor("a", {{1, -2}, {0.5, 4}}, 3)
    tb:add_tensor("b", tensor.from_table({1, 65535}, "uint16"))
    tb:add_tensor("c", tensor.from_table({1, 4294967295}, "uint32"))
    tb:add_tensor("d", tensor.from_table({1, math.maxinteger}, "uint64"))
    tb:add_tensor("e", 7)
    local list = values()
    assert.same({dtype = 1, tensor_shape = {dim = {{size = 2}, {size = 2}}}, float_val = {1, -2, 0.5, 4}},
      list[1].tensor)
    assert.same({dtype = 17, tensor_shape = {dim = {{size = 2}}}, int_val = {1, 65535}}, list[2].tensor)
    assert.same({dtype = 22, tensor_shape = {dim = {{size = 2}}}, uint32_val = {1, 4294967295}}, list[3].tensor)
    assert.same({dtype = 23, tensor_shape = {dim = {{size = 2}}}, uint64_val = {1, math.maxinteger}},
      list[4].tensor)
    assert.same({dtype = 1, tensor_shape = {}, float_val = {7}}, list[5].tensor)
    assert.equal("tensor", events.plugin(list[1]))
    assert.equal(3, list[1].step)
  end)

  it("writes 16-bit floats as torch does", function()
    tb:add_tensor("h", tensor.from_table({1, -2}, "float16"))
    assert.same({dtype = 19, tensor_shape = {dim = {{size = 2}}}, half_val = {0x3f800000, -0x40000000}},
      only_value().tensor)
  end)

  it("refuses what is no tensor", function()
    refuses("argument 'tensor': expected a tensor, got true", "add_tensor", "t", true)
  end)
end)

describe("add_audio", function()
  it("writes 16-bit mono WAV, clipped and truncated", function()
    tb:add_audio("a", {0, 1, -1, 0.5, 2, -3}, 1, 8000)
    local audio = only_value().audio
    assert.same({8000.0, 1, 6, "audio/wav"},
      {audio.sample_rate, audio.num_channels, audio.length_frames, audio.content_type})
    local wav = audio.encoded_audio_string
    assert.same({"RIFF", 48, "WAVE", "fmt ", 16, 1, 1, 8000, 16000, 2, 16, "data", 12},
      unpack_all("<c4I4c4c4I4I2I2I4I4I2I2c4I4", wav))
  end)

  it("gives each sample", function()
    tb:add_audio("a", {{0, 1, -1, 0.5, 2, -3}}, {sample_rate = 44100})
    local wav = only_value().audio.encoded_audio_string
    assert.same({0, 32767, -32767, 16383, 32767, -32767}, unpack_all("<i2i2i2i2i2i2", wav, 45))
  end)

  it("refuses other shapes, 8-bit samples and odd rates", function()
    local shape = "argument 'snd_tensor': expected one dimension of at least 2 samples (others of size 1)"
    refuses(shape, "add_audio", "a", {{1, 2}, {3, 4}})
    refuses(shape, "add_audio", "a", {1})
    refuses("argument 'snd_tensor': expected samples from -1 to 1, got 8-bit integers", "add_audio", "a",
      tensor.new({3}, "uint8"))
    refuses("argument 'sample_rate': expected a number above 0, got 0", "add_audio", "a", {1, 2}, 1, 0)
    refuses("argument 'sample_rate': expected 1 to 2147483647 Hz, got 0.25", "add_audio", "a", {1, 2}, 1, 0.25)
  end)
end)

describe("add_video", function()
  it("writes a GIF with the films in a grid", function()
    tb:add_video("v", tensor.new({3, 2, 3, 4, 5}, "uint8"), 1, 10)
    local image = only_value().image
    assert.same({4, 20, 3}, {image.height, image.width, image.colorspace}) -- 3 films become 4, side by side
    local gif = image.encoded_image_string
    assert.equal("GIF89a", gif:sub(1, 6))
    assert.same({20, 4}, unpack_all("<I2I2", gif, 7))
    assert.equal(2, select(2, gif:gsub("\x21\xf9\4\4\10\0", ""))) -- two frames of 10 hundredths of a second
    assert.equal("\x3b", gif:sub(-1))
  end)

  it("drops alpha, of which it tells", function()
    local film = tensor.new({1, 1, 4, 2, 2}, "uint8"):fill(77)
    film:select(3, 4):fill(0)
    tb:add_video("rgba", film, 1)
    tb:add_video("rgb", tensor.new({1, 1, 3, 2, 2}, "uint8"):fill(77), 1)
    local list = values()
    assert.equal(list[2].image.encoded_image_string, list[1].image.encoded_image_string)
    assert.same({4, 3}, {list[1].image.colorspace, list[2].image.colorspace})
  end)

  it("refuses other shapes and rates", function()
    refuses("argument 'vid_tensor': expected 5 dimensions (NTCHW), got 2", "add_video", "v", {{1}})
    refuses("argument 'vid_tensor': expected 1, 3 or 4 channels, got 2", "add_video", "v", tensor.new{1, 1, 2, 4, 4})
    refuses("argument 'vid_tensor': has no frames", "add_video", "v", tensor.new{1, 0, 3, 4, 4})
    refuses("argument 'fps': expected 0.0016 to 1e6 frames a second, got 1e-05", "add_video", "v",
      tensor.new{1, 1, 3, 4, 4}, 1, 1e-5)
  end)
end)

describe("add_image_with_boxes", function()
  -- The picture as rows of letters: R red, K black, and . for anything else.
  local function drawn()
    local path, rows = dir .. "/p.png", {}
    tmp.write(path, only_value().image.encoded_image_string)
    for y, row in ipairs(tensor.read_png(path):totable()) do
      local letters = {}
      for x, c in ipairs(row) do
        letters[x] = c[1] == 255 and c[2] == 0 and "R" or c[1] + c[2] + c[3] == 0 and "K" or "."
      end
      rows[y] = table.concat(letters)
    end
    return rows
  end

  it("draws outlines two pixels wide", function()
    tb:add_image_with_boxes("i", tensor.new({3, 8, 9}, "uint8"), {{2, 2, 6, 5}}, 1)
    assert.same({ -- as Pillow draws it
      "KKKKKKKKK",
      "KKRRRRRKK",
      "KKRRRRRKK",
      "KKRRKRRKK",
      "KKRRKRRKK",
      "KKRRRRRKK",
      "KKRRRRRKK",
      "KKKKKKKKK"}, drawn())
  end)

  it("keeps height and width of the image and resizes its pixels", function()
    tb:add_image_with_boxes("i", tensor.new({8, 10, 3}, "uint8"), {}, {rescale = 0.5, dataformats = "HWC"})
    assert.same({8, 10}, {only_value().image.height, only_value().image.width})
    assert.same({"KKKKK", "KKKKK", "KKKKK", "KKKKK"}, drawn())
  end)

  it("draws labels in a red box", function()
    tb:add_image_with_boxes("i", tensor.new({3, 30, 30}, "uint8"), {{1, 1, 28, 28}}, {labels = "ab"})
    local rows = drawn()
    assert.equal("R", rows[20]:sub(2, 2))
    assert.truthy(table.concat(rows, "", 18, 29):find("R[.K]+R"))
  end)

  -- The red of rows of a white picture with a labelled box: on red and on white it tells where the label's ink is.
  local function ink(bottom, label)
    local path = dir .. "/p.png"
    tb:add_image_with_boxes("i", tensor.new({3, 40, 40}, "uint8"):fill(255), {{1, 1, 38, bottom}}, {labels = label})
    local list = values()
    tmp.write(path, list[#list].image.encoded_image_string)
    local rows = tensor.read_png(path):totable()
    for y, row in ipairs(rows) do
      for x, c in ipairs(row) do row[x] = c[1] end
      rows[y] = table.concat(row, " ")
    end
    return rows
  end

  it("rounds the place of a label to pixels", function()
    assert.same(ink(20.1, "ab"), ink(20.5, "ab"))
    local low, high = ink(20.6, "ab"), ink(20.5, "ab")
    assert.same({table.unpack(high, 1, 39)}, {table.unpack(low, 2)})
  end)

  it("loses the top of a label that half a pixel lifts above its line, as Pillow does", function()
    local whole, lifted = ink(9, "ab"), ink(8.4, "ab") -- drawn at 0, and at -0.6
    assert.equal(whole[4], lifted[3])
    assert.equal(("255 "):rep(40):sub(1, -2), lifted[2])
    assert.not_equal(lifted[2], whole[3])
  end)

  it("breaks a label into lines", function()
    local rows = ink(20, "a\na")
    local plain = ("255 "):rep(40):sub(1, -2)
    assert.not_equal(plain, rows[17])
    for y = 13, 26 do assert.equal(rows[y], rows[y + 14]) end
  end)

  it("refuses boxes that are none", function()
    local image = tensor.new({3, 8, 8}, "uint8")
    refuses("argument 'box_tensor': expected rows of 4 numbers (left, top, right, bottom)", "add_image_with_boxes", "i",
      image, {1, 2, 3, 4})
    refuses("argument 'box_tensor': box 1 has the coordinate inf", "add_image_with_boxes", "i", image,
      {{1, 2, 3, math.huge}})
    refuses("argument 'rescale': 0.01 makes 8 x 8 pixels too few or too many", "add_image_with_boxes", "i", image,
      {{1, 2, 3, 4}}, {rescale = 0.01})
    refuses("argument 'labels': [1]: expected a string, got 5", "add_image_with_boxes", "i", image, {{1, 2, 3, 4}},
      {labels = {5}})
  end)
end)

describe("raw histograms and curves", function()
  it("write the numbers as given", function()
    tb:add_histogram_raw("h", -1, 2, 3, 4, 5, {0, 1, 2}, {1, 0, 2}, 9)
    tb:add_pr_curve_raw("p", {1, 2}, {3, 4}, {5, 6}, {7, 8}, {0.5, 0.25}, {1, 0}, {num_thresholds = 2})
    local list = values()
    assert.same({min = -1, max = 2, num = 3, sum = 4, sum_squares = 5, bucket_limit = {0, 1, 2}, bucket = {1, 0, 2}},
      list[1].histo)
    assert.same({1, 2, 3, 4, 5, 6, 7, 8, 0.5, 0.25, 1, 0}, list[2].tensor.float_val)
    assert.same({{size = 6}, {size = 2}}, list[2].tensor.tensor_shape.dim)
    assert.same({num_thresholds = 2}, events.plugin_data(list[2]))
  end)

  it("refuse lists of other lengths", function()
    refuses("argument 'bucket_counts': expected 3 counts, as many as limits, got 2", "add_histogram_raw", "h", 0, 0, 0,
      0, 0, {0, 1, 2}, {1, 2})
    refuses("argument 'true_negative_counts': expected 1 numbers like the rows before, got 2", "add_pr_curve_raw", "p",
      {1}, {1}, {1, 2}, {1}, {1}, {1})
    refuses("argument 'num_thresholds': expected at least 1, got 0", "add_pr_curve_raw", "p", {1}, {1}, {1}, {1}, {1},
      {1}, 1, 0)
  end)
end)

describe("add_mesh", function()
  it("writes a value for each part, with the settings as JSON", function()
    local config = {
      material = {cls = "Mesh", alpha = 0.5, on = true, list = {1, 2.5, 1e-5, 1e16, -0.0}},
      a = "q\"\\/\n\u{7f}\u{e9}\u{1f600}", nan = 0 / 0, inf = math.huge,
    }
    tb:add_mesh("m", {{{1, 2, 3}, {4, 5, 6}}}, {{{255, 0, 0}, {0, 0, 255}}}, {{{0, 1, 0}}}, config, 4)
    local list = values()
    assert.same({"m_VERTEX", "m_FACE", "m_COLOR"}, {list[1].tag, list[2].tag, list[3].tag})
    assert.same({1, 2, 3, 4, 5, 6}, list[1].tensor.float_val)
    local data = events.plugin_data(list[1])
    assert.same({"m", 1, 14}, {data.name, data.content_type, data.components})
    assert.same({1, 2, 3}, data.shape)
    assert.equal([[{"a": "q\"\\/\n\u007f\u00e9\ud83d\ude00", "inf": Infinity, "material": {"alpha": 0.5, ]]
      .. [["cls": "Mesh", "list": [1, 2.5, 1e-05, 1e+16, -0.0], "on": true}, "nan": NaN}]], data.json_config)
    assert.equal(4, list[3].step)
  end)

  it("is a cloud of points without the rest", function()
    tb:add_mesh("m", tensor.new{1, 2, 3}, {global_step = 2})
    local data = events.plugin_data(only_value())
    assert.same({2, "{}"}, {data.components, data.json_config})
  end)

  it("refuses other shapes and what JSON cannot say", function()
    local points = tensor.new{1, 2, 3}
    refuses("argument 'vertices': expected 3 dimensions (batch, number, 3), got 1", "add_mesh", "m", {1, 2, 3})
    refuses("argument 'faces': expected 3 dimensions (batch, number, 3), got 2", "add_mesh", "m", points, nil, {{1}})
    refuses("argument 'config_dict': holds a function, which JSON has no form for", "add_mesh", "m", points, nil, nil,
      {f = print})
    refuses("argument 'config_dict': holds a table that is both a list and a dictionary", "add_mesh", "m", points, nil,
      nil, {x = {1, y = 2}})
    local loop = {}
    loop.loop = loop
    refuses("argument 'config_dict': is nested deeper than 64, or holds itself", "add_mesh", "m", points, nil, nil,
      loop)
  end)
end)

describe("add_custom_scalars", function()
  local function layout()
    local value = values()
    value = value[#value]
    assert.equal("custom_scalars__config__", value.tag)
    assert.equal("custom_scalars", events.plugin(value))
    assert.equal(0, value.step)
    return events.decode(value.tensor.string_val[1], "Layout")
  end

  it("writes categories and charts, sorted, or pairs in their order", function()
    tb:set_step(5) -- a layout has no step
    local charts = {lines = {"Multiline", {"a", "b/.*"}}, band = {"Margin", {"v", "lo", "hi"}}}
    tb:add_custom_scalars{Zoo = charts, All = {}}
    assert.same({category = {{title = "All"}, {title = "Zoo", chart = {
      {title = "band", margin = {series = {{value = "v", lower = "lo", upper = "hi"}}}},
      {title = "lines", multiline = {tag = {"a", "b/.*"}}}}}}}, layout())
    tb:add_custom_scalars({{"z", {{"y", {"Multiline", {"t"}}}, {"x", {"Multiline", {}}}}}}, {walltime = 3})
    assert.same({category = {{title = "z", chart = {{title = "y", multiline = {tag = {"t"}}},
      {title = "x", multiline = {}}}}}}, layout())
  end)

  it("has short forms for one chart", function()
    tb:add_custom_scalars_multilinechart({"a", "b"})
    assert.same({category = {{title = "default", chart = {{title = "untitled", multiline = {tag = {"a", "b"}}}}}}},
      layout())
    tb:add_custom_scalars_marginchart({"v", "lo", "hi"}, "c", "t")
    assert.same({category = {{title = "c", chart = {{title = "t", margin = {series = {
      {value = "v", lower = "lo", upper = "hi"}}}}}}}}, layout())
  end)

  it("refuses other charts", function()
    refuses("argument 'layout': chart 'x': expected the type 'Multiline' or 'Margin', got 1", "add_custom_scalars",
      {c = {x = {1, {"t"}}}})
    refuses("argument 'layout': a margin chart takes 3 tags (value, lower, upper), got 1", "add_custom_scalars",
      {c = {x = {"Margin", {"t"}}}})
    refuses("argument 'layout': expected a table, got a string", "add_custom_scalars", {c = "x"})
    refuses("argument 'tags': tag 2: expected a string, got 5", "add_custom_scalars_multilinechart", {"a", 5})
  end)
end)

describe("add_embedding", function()
  it("writes the matrix, labels and pictures, and names them in the projector's config", function()
    tb:add_embedding({{1, 0.1}, {-0.0, 1e-5}}, {"a", 2.0}, tensor.new{2, 1, 4, 4}, 3, "x/y")
    tb:add_embedding(tensor.from_table({{1}, {2}}, "int32"),
      {metadata = {{"n", 1}, {"m", true}}, metadata_header = {"h", "i"}})
    assert.same({"00000/default/metadata.tsv", "00000/default/tensors.tsv", "00003/x%2fy/metadata.tsv",
      "00003/x%2fy/sprite.png", "00003/x%2fy/tensors.tsv", "projector_config.pbtxt"}, tmp.files(dir, "^[^.]"))
    assert.equal("1.0\t0.10000000149011612\n-0.0\t9.999999747378752e-06\n", tmp.read(dir .. "/00003/x%2fy/tensors.tsv"))
    assert.equal("a\n2.0\n", tmp.read(dir .. "/00003/x%2fy/metadata.tsv"))
    assert.equal("1\n2\n", tmp.read(dir .. "/00000/default/tensors.tsv"))
    assert.equal("h\ti\nn\t1\nm\tTrue\n", tmp.read(dir .. "/00000/default/metadata.tsv"))
    assert.same({8, 8, 3}, tensor.read_png(dir .. "/00003/x%2fy/sprite.png").shape)
    assert.equal([[
embeddings {
  tensor_name: "x/y:00003"
  metadata_path: "00003/x%2fy/metadata.tsv"
  sprite {
    image_path: "00003/x%2fy/sprite.png"
    single_image_dim: 4
    single_image_dim: 4
  }
  tensor_path: "00003/x%2fy/tensors.tsv"
}
embeddings {
  tensor_name: "default:00000"
  metadata_path: "00000/default/metadata.tsv"
  tensor_path: "00000/default/tensors.tsv"
}
]], tmp.read(dir .. "/projector_config.pbtxt"))
  end)

  it("keeps what an earlier writer of the run has listed", function()
    tb:add_embedding({{1}}, {tag = "first"})
    tb:close()
    tb:setup(dir)
    tb:add_embedding({{1}}, {tag = "second"})
    tb:add_embedding({{2}}, {tag = "first"})
    local _, count = tmp.read(dir .. "/projector_config.pbtxt"):gsub("embeddings {", "")
    assert.equal(2, count)
  end)

  it("knows options by their names, also wrong ones", function()
    refuses("unknown option 'tagg'", "add_embedding", {{1}, {2}}, {tagg = "x"})
    refuses("unknown option 'colours'", "add_mesh", "m", {{{0, 0, 0}}}, {colours = {{{0, 0, 0}}}})
  end)

  it("leaves nothing behind when the call is wrong", function()
    local mat = {{1, 2}, {3, 4}}
    refuses("argument 'mat': expected 2 dimensions (a row for each point), got 1", "add_embedding", {1, 2})
    refuses("argument 'metadata': expected a label for each of 2 rows, got 1", "add_embedding", mat, {"a"})
    refuses("argument 'metadata': [2]: expected a string, got a table", "add_embedding", mat, {"a", {}})
    refuses("argument 'metadata': [1]: expected a list of 2 values, as many as the header has", "add_embedding", mat,
      {metadata = {{"a"}, {"b"}}, metadata_header = {"x", "y"}})
    refuses("argument 'label_img': expected an image for each of 2 rows, got 3", "add_embedding", mat,
      {label_img = tensor.new{3, 1, 2, 2}})
    refuses("argument 'label_img': expected 1 or 3 channels, got 4", "add_embedding", mat,
      {label_img = tensor.new{2, 4, 2, 2}})
    refuses("argument 'label_img': the sprite would be 10000 pixels wide; the projector shows at most 8192",
      "add_embedding", mat, {label_img = tensor.new{2, 1, 1, 5000}})
    refuses("argument 'tag': '..' cannot name the embedding's folder", "add_embedding", mat, {tag = ".."})
  end)

  it("does not stop the program when the disk does not take it", function()
    tmp.write(dir .. "/00000", "a file where the folder should be")
    tb:add_embedding({{1}})
    assert.same({"00000"}, tmp.files(dir, "^[^.]"))
  end)
end)
