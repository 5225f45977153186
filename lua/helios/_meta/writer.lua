---@meta helios.native.writer

---@class helios.native.writer
local writer = {}

---The userdata at [1] of a TensorboardWriter.
---@param mute boolean nothing ever has an effect: this is not rank 0
---@param notify fun(tag: string, value: number, step?: integer) told of each tag's first NaN or infinity
---@return userdata
function writer.new(mute, notify) end

---@type helios.TensorboardWriter
local methods = {}

function methods:setup(run_path, opts) end

function methods:set_step(n) end

function methods:add_scalar(tag, scalar_value, global_step) end

function methods:add_scalars(main_tag, tag_scalar_dict, global_step) end

function methods:add_text(tag, text_string, global_step) end

function methods:add_image(tag, img, global_step, dataformats) end

function methods:add_images(tag, imgs, global_step, dataformats) end

function methods:add_histogram(tag, values, global_step, bins, walltime, max_bins) end

function methods:add_pr_curve(tag, labels, predictions, global_step, num_thresholds, weights) end

function methods:add_hparams(hparam_dict, metric_dict, hparam_domain_discrete, run_name, global_step) end

function methods:flush() end

function methods:close() end

function methods:stats() end

function methods:__close() end

writer.methods = methods

return writer
