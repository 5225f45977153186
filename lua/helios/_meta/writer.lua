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

function methods:add_onnx_graph(path) end

function methods:add_histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts, global_step,
                                   walltime) end

function methods:add_pr_curve_raw(tag, true_positive_counts, false_positive_counts, true_negative_counts,
                                  false_negative_counts, precision, recall, global_step, num_thresholds, weights,
                                  walltime) end

function methods:add_tensor(tag, tensor, global_step, walltime) end

function methods:add_audio(tag, snd_tensor, global_step, sample_rate, walltime) end

function methods:add_video(tag, vid_tensor, global_step, fps, walltime) end

function methods:add_image_with_boxes(tag, img_tensor, box_tensor, global_step, walltime, rescale, dataformats,
                                      labels) end

function methods:add_embedding(mat, metadata, label_img, global_step, tag, metadata_header) end

function methods:add_mesh(tag, vertices, colors, faces, config_dict, global_step, walltime) end

function methods:add_custom_scalars(layout) end

function methods:add_custom_scalars_multilinechart(tags, category, title) end

function methods:add_custom_scalars_marginchart(tags, category, title) end

function methods:flush() end

function methods:close() end

function methods:stats() end

function methods:__close() end

writer.methods = methods

return writer
