-- figures.lua - what gnuplot draws goes on the dashboard like any image, or into a PNG file.
local helios = require "helios"
local logging, figure = helios.core.logging, helios.figure

local tb = logging.TensorboardWriter()
tb:setup("runs/figures")

local steps, train, valid = {}, {}, {}
for i = 1, 100 do
  steps[i] = i * 10
  train[i] = math.exp(-i / 20)
  valid[i] = 0.15 + math.exp(-i / 25)
end

local loss = figure.new{title = "Loss", xlabel = "step", ylabel = "loss", logy = true, grid = true}
loss:plot(steps, train, {label = "train"}):plot(steps, valid, {label = "valid", style = "--"})
loss:text(500, 0.5, "valid stays above train")
tb:add_figure("loss", loss, 0)

-- A confusion matrix: rows are what was there, columns what was seen.
local confusion = figure.new{title = "Confusion", xlabel = "seen", ylabel = "there", width = 480}
local animals = {"cat", "dog", "owl"}
confusion:imshow({{48, 1, 1}, {4, 40, 6}, {0, 9, 41}},
  {annotate = true, xlabels = animals, ylabels = animals, cmap = "blues"})
tb:add_figure("confusion", confusion, 0)

-- Several panels in one picture.
local errors = {}
for i = 1, 1000 do errors[i] = math.sin(i) * math.cos(i * 0.7) end
local panels = figure.new{title = "Two views", width = 900, height = 400}
panels:subplot(1, 2, 1, {title = "errors"}):hist(errors, 20)
panels:subplot(1, 2, 2, {title = "accuracy", ylim = {0, 1}}):bar(animals, {0.96, 0.8, 0.82}, {label = "run 1"})
panels:bar(animals, {0.9, 0.85, 0.7}, {label = "run 2"})
assert(panels:save("runs/figures/panels.png"))
tb:add_figure("panels", panels, 0)

assert(tb:close())
print("three figures are in runs/figures, one also as panels.png")
