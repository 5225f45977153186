// spdlog.cpp FOLDER | killed PATH [async] - the peer in C++: spdlog into a file, as core.c does.
//
// Prints `kind who call_ns cpu_ns`; with `killed`, logs 50 lines and ends as a process that is killed does.
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <string>

static const int RUNS = 15, CALLS = 200000, KILLED_AFTER = 50;

static double seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

static std::shared_ptr<spdlog::logger> open_log(const std::string &path, bool async) {
  auto log = async ? spdlog::basic_logger_mt<spdlog::async_factory>(path, path) : spdlog::basic_logger_mt(path, path);
  log->set_pattern("[%Y-%m-%d %H:%M:%S,%e] [%l]: %v");
  return log;
}

template <typename Call>
static void measure(const char *kind, const std::string &folder, bool async, Call call) {
  double best = 1e9, cpu = 1e9;
  for (int run = 0; run < RUNS; run++) {
    std::string path = folder + "/spdlog-" + kind + std::to_string(async) + std::to_string(run) + ".log";
    auto log = open_log(path, async);
    double wall_start = seconds(CLOCK_MONOTONIC), cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < CALLS; i++) call(*log, i);
    best = std::min(best, seconds(CLOCK_MONOTONIC) - wall_start);
    log->flush();
    spdlog::drop(path);
    log.reset();
    if (async) spdlog::shutdown();  // the queue is empty then
    cpu = std::min(cpu, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
  }
  std::printf("%s\t%s\t%.1f\t%.1f\n", kind, async ? "spdlog_async" : "spdlog", 1e9 * best / CALLS, 1e9 * cpu / CALLS);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  std::string first = argv[1];
  if (first == "killed") {
    auto log = open_log(argv[2], argc > 3);
    for (int i = 0; i < KILLED_AFTER; i++) log->info("line {}", i);
    std::raise(SIGKILL);
  }
  for (bool async : {false, true}) {
    measure("info_plain", first, async, [](spdlog::logger &log, int) { log.info("epoch 12: loss 0.5000"); });
    measure("info", first, async, [](spdlog::logger &log, int i) { log.info("epoch {}: loss {:.4f}", i, 0.5); });
  }
}
