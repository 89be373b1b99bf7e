# Sourced: builds that several commands need.
# shellcheck shell=bash

# Configured each time, so that the binary names the commit that it is built from.
build_release() {
    cmake --preset release && cmake --build --preset release
}

# The simulator alone; the release has no tests and so none of it.
build_simulator() {
    cmake -S test/das_sim -B build/das_sim -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo &&
        cmake --build build/das_sim --target das_sim
}
