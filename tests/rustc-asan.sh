#!/usr/bin/env bash
# A compiler that builds with AddressSanitizer. Cargo uses it for this
# workspace's crates alone (RUSTC_WORKSPACE_WRAPPER), so that the dependencies
# need not be built again. The stable toolchain ships the run-time library but
# hides the flag.
RUSTC_BOOTSTRAP=1 exec "$@" -Zsanitizer=address
