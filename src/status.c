/* status.c - the names and meanings of statuses. */
#include "helios/status.h"

const char *helios_strerror(int status) {
  switch (status) {
    case HELIOS_OK: return "OK: success";
    case HELIOS_EINVAL: return "EINVAL: wrong argument";
    case HELIOS_ENOMEM: return "ENOMEM: out of memory";
    case HELIOS_EIO: return "EIO: a file or system call failed";
    case HELIOS_ECLOSED: return "ECLOSED: the handle is closed";
    case HELIOS_EFORKED: return "EFORKED: the handle belongs to the parent process";
    case HELIOS_EFORMAT: return "EFORMAT: damaged or foreign data";
    case HELIOS_ELIMIT: return "ELIMIT: a limit was passed";
    case HELIOS_EDROPPED: return "EDROPPED: records were dropped";
    case HELIOS_EAGAIN: return "EAGAIN: the rest has not arrived yet";
    case HELIOS_EUNAVAILABLE: return "EUNAVAILABLE: something needed is not installed";
    default: return "unknown status";
  }
}

const char *helios_version(void) { return HELIOS_VERSION; }
